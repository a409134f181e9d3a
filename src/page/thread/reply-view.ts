import { button, copyButton, el, setText } from '../dom.js'
import type { ReplyNumbers, ReplyTurn } from './conversation.js'
import { MarkdownView } from './markdown.js'

/** What may be done with a reply. */
interface ReplyActions {
  regenerate(): void
  /** Goes on where it was stopped, cut or broke off. */
  goOn(): void
  edit(): void
}

/** A reply in the thread, while it comes and after. What it shows of its turn only grows. */
export class ReplyView {
  readonly element = el('article', { class: 'turn reply' })
  readonly #turn: ReplyTurn
  readonly #actions: ReplyActions
  readonly #thoughts = el('details', { class: 'thoughts', hidden: true })
  readonly #thoughtsTitle = el('summary', { text: 'Thinking' })
  readonly #thoughtsText = el('div', { class: 'thoughts-text' })
  readonly #prose = new MarkdownView()
  readonly #calls = el('div', { class: 'calls' })
  readonly #state = el('p', { class: 'state' })
  readonly #foot = el('footer', { class: 'foot' })
  #shownText = 0
  #shownReasoning = 0

  constructor(turn: ReplyTurn, actions: ReplyActions) {
    this.#turn = turn
    this.#actions = actions
    this.#thoughts.append(this.#thoughtsTitle, this.#thoughtsText)
    this.element.append(
      el('h2', { class: 'who', text: turn.model }),
      this.#thoughts,
      this.#prose.element,
      this.#calls,
      this.#state,
      this.#foot,
    )
    this.update()
  }

  /** Shows what has come since. */
  update(): void {
    const { text, reasoning, calls, end } = this.#turn
    if (reasoning.length > this.#shownReasoning) {
      this.#thoughts.hidden = false
      this.#thoughtsText.append(reasoning.slice(this.#shownReasoning))
      this.#shownReasoning = reasoning.length
    }
    if (text.length > this.#shownText) {
      this.#prose.append(text.slice(this.#shownText))
      this.#shownText = text.length
    }
    if (calls.length > 0) this.#showCalls()
    setText(this.#thoughtsTitle, this.#titleOfThoughts())
    this.element.classList.toggle('running', end === undefined)
    this.#showState()
    if (end === undefined) this.#foot.replaceChildren()
    else if (this.#foot.childElementCount === 0) this.#showFoot()
  }

  /** The same actions and numbers anew, after it has gone on. */
  ended(): void {
    this.#foot.replaceChildren()
    this.update()
  }

  /** What stands in the place of the reply's text while it is edited. */
  replaceText(by: Node | undefined): void {
    if (by === undefined) return
    this.#prose.element.replaceWith(by)
    this.#foot.hidden = true
  }

  #titleOfThoughts(): string {
    const { thoughtMs, text, end } = this.#turn
    const isShort = thoughtMs === undefined || thoughtMs < 100
    if (isShort) return text === '' && end === undefined ? 'Thinking' : 'Thoughts'
    return `Thought for ${seconds(thoughtMs)}`
  }

  #showCalls(): void {
    const made = this.#turn.calls.map((call) =>
      el('pre', { class: 'call', text: `${call.name}(${call.arguments})` }),
    )
    this.#calls.replaceChildren(...made)
  }

  #showState(): void {
    const { end, error, text, reasoning } = this.#turn
    const isWaiting = end === undefined && text === '' && reasoning === ''
    this.#state.classList.toggle('fault', end === 'failed' || end === 'broken')
    this.#state.classList.toggle('waiting', isWaiting)
    setText(this.#state, isWaiting ? 'Reading the prompt' : (error ?? stateWords[end ?? 'stop']))
    this.#state.hidden = this.#state.textContent === ''
  }

  #showFoot(): void {
    const { end, numbers, text, calls } = this.#turn
    const actions = this.#actions
    const canGoOn = text !== '' && calls.length === 0 && end !== 'stop'
    const buttons = [
      ...(canGoOn ? [button('Go on', actions.goOn, { title: 'Continue this reply' })] : []),
      button(end === 'failed' ? 'Try again' : 'Regenerate', actions.regenerate),
      ...(text === '' ? [] : [copyButton(() => this.#turn.text, 'Copy this reply')]),
      ...(text === '' ? [] : [button('Edit', actions.edit, { label: 'Edit this reply' })]),
    ]
    this.#foot.append(el('div', { class: 'actions' }, ...buttons))
    if (numbers !== undefined) this.#foot.append(numbersLine(numbers))
  }
}

const stateWords: Readonly<Record<NonNullable<ReplyTurn['end']>, string>> = {
  stop: '',
  tool_calls: '',
  length: 'Cut off: it is as long as a reply may be.',
  stopped: 'Stopped.',
  broken: 'The connection broke off. What came is kept.',
  failed: 'No reply came.',
}

function numbersLine({ tokens, promptTokens, cachedTokens, ...times }: ReplyNumbers): HTMLElement {
  const rate = times.writeMs > 10 && tokens > 1 ? ((tokens - 1) * 1000) / times.writeMs : undefined
  const facts = [
    ...(rate === undefined ? [] : [`${rate >= 100 ? Math.round(rate) : rate.toFixed(1)} tokens/s`]),
    `${tokens} tokens`,
    `first after ${seconds(times.waitMs)}`,
    ...(promptTokens === 0 ? [] : [`${cachedTokens} of ${promptTokens} prompt tokens cached`]),
  ]
  return el('p', { class: 'numbers' }, ...facts.map((text) => el('span', { text })))
}

export function seconds(ms: number): string {
  const s = ms / 1000
  return s < 10 ? `${s.toFixed(1)} s` : `${Math.round(s)} s`
}
