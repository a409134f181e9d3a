/** As much of an event of a response as the rules look at. */
export interface ResponseFrame {
  readonly type: string
  readonly sequence_number: number
  readonly output_index?: number
  readonly item_id?: string
  readonly item?: Item
  readonly delta?: string
  readonly text?: string
  readonly arguments?: string
  readonly input?: string
  readonly response?: { readonly id: string; readonly output: readonly Item[] }
}

interface Item {
  readonly id?: string
  readonly type: string
}

const ends = ['response.completed', 'response.incomplete', 'response.failed']

/**
 * What no event shows by itself: their numbers, the order of a response's and of an item's, whose
 * a delta is, that deltas join to the whole, and that the last event has the items that were done.
 */
export class ResponseRules {
  readonly #done: Item[] = []
  #count = 0
  #id: string | undefined
  #open: Item | undefined
  #joined = ''
  #hasEnded = false

  /** What the next event breaks; the empty string if nothing. */
  take(event: ResponseFrame): string {
    const number = this.#count++
    if (event.sequence_number !== number) return `event ${number} is numbered otherwise`
    if (this.#hasEnded) return `${event.type} after the response's end`
    const expected = ['response.created', 'response.in_progress'][number]
    if (expected !== undefined && event.type !== expected) return `no ${expected} but ${event.type}`
    if (event.response !== undefined) return this.#response(event.type, event.response)
    if (event.item !== undefined) return this.#item(event, event.item)
    return ['error', 'keepalive'].includes(event.type) ? '' : this.#within(event)
  }

  /** What is missing where the stream ends. */
  end(): string {
    return this.#hasEnded ? '' : 'a response without an end'
  }

  #response(type: string, { id, output }: NonNullable<ResponseFrame['response']>): string {
    this.#id ??= id
    if (id !== this.#id) return `the response ${this.#id} goes on as ${id}`
    if (!ends.includes(type)) return output.length === 0 ? '' : 'output before it was made'
    this.#hasEnded = true
    if (type !== 'response.failed' && this.#open !== undefined) return 'an item without an end'
    const isSame = JSON.stringify(output) === JSON.stringify(this.#done)
    return isSame ? '' : 'its output is not what was done'
  }

  #item({ type, output_index: index }: ResponseFrame, item: Item): string {
    if (index !== this.#done.length) return `item ${this.#done.length} is numbered ${index}`
    const isNew = type === 'response.output_item.added'
    if (isNew !== (this.#open === undefined)) return `${type} beside another item`
    if (!isNew && this.#open?.id !== item.id) return 'an item ends as another'
    this.#open = isNew ? item : undefined
    this.#joined = ''
    if (!isNew) this.#done.push(item)
    return ''
  }

  #within(event: ResponseFrame): string {
    const { type, item_id, output_index: index, delta } = event
    if (item_id !== this.#open?.id || index !== this.#done.length) return `${type} of another item`
    if (delta !== undefined) this.#joined += delta
    const whole = event.text ?? event.arguments ?? event.input
    return whole === undefined || whole === this.#joined ? '' : `${type} is not what was said`
  }
}
