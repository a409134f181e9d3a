import { el, setText } from '../dom.js'
import { type Server, ServerError } from '../server.js'
import type { EngineAnswer, EngineNow, ModelNow } from '../wire.js'
import { Lanes } from './lanes.js'
import { RateLog } from './rates.js'
import { Sparkline } from './sparkline.js'

const lookEveryMs = 1000

/** What the engines do, looked at once a second as long as somebody can see it. */
export class EnginePanel {
  readonly #panel: HTMLElement
  readonly #server: Server
  readonly #fault = el('p', { class: 'fault', hidden: true })
  readonly #memory = el('p', { class: 'note' })
  readonly #list = el('div')
  readonly #views = new Map<string, ModelView>()
  #abort: AbortController | undefined

  constructor(panel: HTMLElement, server: Server) {
    this.#panel = panel
    this.#server = server
    panel.append(el('h2', { text: 'Engine' }), this.#fault, this.#list, this.#memory)
    document.addEventListener('visibilitychange', () => this.look())
  }

  /** To be called where it is shown or hidden. */
  look(): void {
    const isSeen = !this.#panel.hidden && document.visibilityState === 'visible'
    if (!isSeen) this.#abort?.abort()
    else if (this.#abort === undefined || this.#abort.signal.aborted) void this.#watch()
  }

  async #watch(): Promise<void> {
    const abort = new AbortController()
    this.#abort = abort
    while (!abort.signal.aborted) {
      try {
        this.#show(await this.#server.engine(abort.signal))
      } catch (error) {
        if (abort.signal.aborted) return
        this.#fault.hidden = false
        setText(this.#fault, error instanceof ServerError ? error.message : `${error}`)
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    }
  }

  #show({ uptime_ms: atMs, models, memory }: EngineAnswer): void {
    this.#fault.hidden = true
    for (const [name, { element }] of this.#views) {
      if (models.some(({ model }) => model === name)) continue
      element.remove() // it was deleted
      this.#views.delete(name)
    }
    for (const model of models) {
      let view = this.#views.get(model.model)
      if (view === undefined) {
        view = new ModelView(model.model)
        this.#views.set(model.model, view)
        this.#list.append(view.element)
      }
      view.update(model, atMs)
    }
    if (memory === undefined) return
    const [used, all] = [memory.bytes, memory.budget_bytes].map(mebibytes)
    setText(this.#memory, `Models take ${used} of ${all}.`)
  }
}

/** A model: its engine where it is loaded, else where it stands. */
class ModelView {
  readonly element = el('section', { class: 'engine' })
  readonly #state = el('span', { class: 'note' })
  readonly #body = el('div', { class: 'engine-body' })
  readonly #lanes = new Lanes()
  readonly #written = new Figure('Tokens/s', new Sparkline())
  readonly #read = new Figure('Prompt tokens/s', new Sparkline())
  readonly #hits = new Figure('Prefix hits')
  readonly #cells = new Figure('KV in use', meter())
  readonly #queue = new Figure('Queue')
  readonly #ended = new Figure('Replies')
  readonly #kept = el('p', { class: 'note' })
  #log = new RateLog()

  constructor(name: string) {
    this.#body.append(
      el('div', { class: 'figures' }, this.#written.element, this.#read.element),
      this.#lanes.element,
      this.#lanes.legend,
      el(
        'div',
        { class: 'figures' },
        this.#queue.element,
        this.#hits.element,
        this.#cells.element,
        this.#ended.element,
      ),
      this.#kept,
    )
    this.element.append(el('h3', {}, name, ' ', this.#state), this.#body)
  }

  update({ state, engine, waiting = 0 }: ModelNow, atMs: number): void {
    const waits = waiting > 0 ? `, ${waiting} wait for it` : ''
    setText(this.#state, engine === null ? `${state}${waits}` : engine.description)
    this.#body.hidden = engine === null
    if (engine === null) this.#log = new RateLog()
    else this.#showEngine(engine, atMs)
  }

  #showEngine(engine: EngineNow, atMs: number): void {
    this.#log.add(atMs, engine.totals)
    const { rates } = this.#log
    const now = rates.at(-1)
    this.#written.show(figureOf(now?.writtenPerSecond ?? 0))
    this.#written.draw(rates.map(({ writtenPerSecond }) => writtenPerSecond))
    this.#read.show(figureOf(now?.readPerSecond ?? 0))
    this.#read.draw(rates.map(({ readPerSecond }) => readPerSecond))
    this.#lanes.update(engine)
    this.#showCounts(engine)
  }

  #showCounts({ queued, queue_max, parked, kv_cells: cells, kept, totals }: EngineNow): void {
    const { prompt_tokens: asked, cached_tokens: hit, finished, cancelled, failed } = totals
    const idle = parked === 0 ? ' may wait' : `, ${parked} parked`
    this.#queue.show(`${queued}`, `of ${queue_max}${idle}`)
    const share = asked === 0 ? 0 : hit / asked
    this.#hits.show(percent(share), `${count(hit)} of ${count(asked)} tokens`)
    const inUse = cells.total === 0 ? 0 : cells.used / cells.total
    const keeps = cells.total === 0 ? 0 : cells.cached / cells.total
    this.#cells.show(percent(inUse), `${percent(keeps)} more is kept`)
    this.#cells.fill(inUse, keeps)
    const states = `${count(kept.states)} ${kept.states === 1 ? 'state' : 'states'}`
    const isNone = kept.states === 0
    setText(this.#kept, isNone ? '' : `Host memory keeps ${states}, ${mebibytes(kept.bytes)}.`)
    const rest = [
      ...(cancelled === 0 ? [] : [`${count(cancelled)} stopped`]),
      ...(failed === 0 ? [] : [`${count(failed)} failed`]),
    ]
    this.#ended.show(count(finished), rest.length === 0 ? 'finished' : rest.join(', '))
  }
}

/** A number with its name, and a picture of it. */
class Figure {
  readonly element = el('div', { class: 'figure' })
  readonly #value = el('strong', { class: 'value' })
  readonly #more = el('span', { class: 'note' })
  readonly #picture: Sparkline | HTMLElement | undefined

  constructor(name: string, picture?: Sparkline | HTMLElement) {
    this.#picture = picture
    this.element.append(el('span', { class: 'name', text: name }), this.#value, this.#more)
    if (picture !== undefined) this.element.append('element' in picture ? picture.element : picture)
  }

  show(value: string, more = ''): void {
    setText(this.#value, value)
    setText(this.#more, more)
  }

  draw(values: readonly number[]): void {
    if (this.#picture instanceof Sparkline) this.#picture.update(values)
  }

  fill(...shares: number[]): void {
    if (!(this.#picture instanceof HTMLElement)) return
    for (const [index, share] of shares.entries()) {
      const part = this.#picture.children[index]
      if (part instanceof HTMLElement) part.style.width = percent(share).replace(' ', '')
    }
  }
}

function meter(): HTMLElement {
  const parts = [el('span', { class: 'part written' }), el('span', { class: 'part cached' })]
  return el('span', { class: 'track', attributes: { 'aria-hidden': 'true' } }, ...parts)
}

const count = (value: number) => {
  const isLong = value >= 10_000
  return value.toLocaleString('en', isLong ? { notation: 'compact', maximumFractionDigits: 1 } : {})
}
const percent = (share: number) => `${Math.round(100 * share)} %`
const mebibytes = (bytes: number) => `${count(Math.round(bytes / 2 ** 20))} MiB`
const figureOf = (value: number) => {
  return value >= 100 || value === 0 ? count(Math.round(value)) : value.toFixed(1)
}
