import { el, setText } from '../dom.js'
import type { EngineNow, SlotNow } from '../wire.js'
import { roundUp } from './rates.js'

/**
 * The slots of an engine, a lane each: what of the prompt was there, what was computed, what is to
 * be, and the reply behind it. All lanes have one scale, so that they can be compared.
 */
export class Lanes {
  readonly element = el('ol', { class: 'lanes' })
  readonly legend = el('p', { class: 'note legend' })
  readonly #scale = el('span')
  #lanes: Lane[] = []

  constructor() {
    const kinds = [
      ['cached', 'cached'],
      ['computed', 'prompt'],
      ['coming', 'to come'],
      ['written', 'reply'],
    ]
    for (const [kind, text = ''] of kinds) {
      const swatch = el('span', { class: `part swatch ${kind}` })
      this.legend.append(el('span', {}, swatch, text))
    }
    this.legend.append(this.#scale)
  }

  update({ slots }: Pick<EngineNow, 'slots'>): void {
    if (this.#lanes.length !== slots.length) {
      this.#lanes = slots.map((_, index) => new Lane(index))
      this.element.replaceChildren(...this.#lanes.map(({ element }) => element))
    }
    const longest = Math.max(64, ...slots.map((slot) => (slot === null ? 0 : lengthOf(slot))))
    const tokens = roundUp(longest)
    for (const [index, lane] of this.#lanes.entries()) lane.update(slots[index] ?? null, tokens)
    this.legend.hidden = slots.length === 0
    setText(this.#scale, `of ${tokens.toLocaleString('en')} tokens`)
  }
}

const lengthOf = (slot: SlotNow) => slot.prompt_tokens + slot.completion_tokens

class Lane {
  readonly element: HTMLLIElement
  readonly #state = el('span', { class: 'lane-state' })
  readonly #words = el('span', { class: 'lane-words' })
  readonly #cached = el('span', { class: 'part cached' })
  readonly #computed = el('span', { class: 'part computed' })
  readonly #coming = el('span', { class: 'part coming' })
  readonly #reply = el('span', { class: 'part written' })

  constructor(index: number) {
    const track = el('span', { class: 'track', attributes: { 'aria-hidden': 'true' } })
    track.append(this.#cached, this.#computed, this.#coming, this.#reply)
    this.element = el(
      'li',
      { class: 'lane' },
      el('span', { class: 'lane-number', text: `${index + 1}` }),
      track,
      this.#state,
      this.#words,
    )
  }

  update(slot: SlotNow | null, tokens: number): void {
    this.element.dataset.phase = slot?.phase ?? 'free'
    setText(this.#state, slot === null ? 'free' : phaseWords[slot.phase])
    setText(this.#words, slot === null ? '' : wordsOf(slot))
    const { prompt_tokens: prompt = 0, cached_tokens: cached = 0 } = slot ?? {}
    const computed = Math.min(prompt, slot?.computed_tokens ?? 0)
    const widths: [HTMLElement, number][] = [
      [this.#cached, Math.min(cached, computed)],
      [this.#computed, Math.max(0, computed - cached)],
      [this.#coming, prompt - computed],
      [this.#reply, slot?.completion_tokens ?? 0],
    ]
    for (const [part, width] of widths) part.style.width = `${(100 * width) / tokens}%`
  }
}

const phaseWords: Readonly<Record<SlotNow['phase'], string>> = {
  prefill: 'prefill',
  decode: 'decode',
  parked: 'parked',
}

function wordsOf({ phase, prompt_tokens, computed_tokens, completion_tokens }: SlotNow): string {
  if (phase !== 'prefill') return `${prompt_tokens} + ${completion_tokens}`
  const share = Math.round((100 * computed_tokens) / Math.max(1, prompt_tokens))
  return `${share} % of ${prompt_tokens}`
}
