/** As much of an event as the rules look at. */
interface Event {
  readonly type: string
  readonly index?: number
  readonly message?: { readonly content: readonly unknown[] }
  readonly content_block?: { readonly type: string; readonly input?: object }
  readonly delta?: { readonly type?: string }
}

/** The deltas that a block of each type has. */
const deltasOf: Readonly<Record<string, readonly string[]>> = {
  text: ['text_delta'],
  thinking: ['thinking_delta', 'signature_delta'],
  tool_use: ['input_json_delta'],
}

/**
 * What no event shows by itself: the message first, its blocks one after the other without a gap in
 * their numbers, what belongs to each, and the ends in their order.
 */
export class EventRules {
  #stage: 'nothing' | 'message' | 'delta' | 'stop' = 'nothing'
  #index = -1
  #block: string | undefined

  /** What the next event breaks; the empty string if nothing. */
  take(event: Event): string {
    const { type } = event
    if (type === 'ping') return ''
    if (this.#stage === 'stop') return `${type} after the end`
    if (type === 'error') {
      this.#stage = 'stop'
      return ''
    }
    if (type === 'message_start') return this.#start(event)
    if (this.#stage === 'nothing') return `${type} before message_start`
    if (type === 'message_stop') return this.#stop()
    if (this.#stage === 'delta') return `${type} after message_delta`
    if (type === 'message_delta') return this.#delta()
    return this.#ofBlock(event)
  }

  /** What is missing where the stream ends. */
  end(): string {
    return this.#stage === 'stop' ? '' : `the stream ends at ${this.#stage}`
  }

  #start({ message }: Event): string {
    if (this.#stage !== 'nothing') return 'a second message_start'
    this.#stage = 'message'
    return message?.content.length === 0 ? '' : 'message_start with content'
  }

  #delta(): string {
    this.#stage = 'delta'
    return this.#block === undefined ? '' : `message_delta within a block of ${this.#block}`
  }

  #stop(): string {
    const isRight = this.#stage === 'delta'
    this.#stage = 'stop'
    return isRight ? '' : 'message_stop without message_delta'
  }

  #ofBlock({ type, index, content_block: block, delta }: Event): string {
    if (type === 'content_block_start') {
      if (this.#block !== undefined) return `block ${index} begins within block ${this.#index}`
      this.#block = block?.type ?? ''
      if (block?.type === 'tool_use' && JSON.stringify(block.input) !== '{}') return 'input, begun'
      return index === ++this.#index ? '' : `block ${index} where ${this.#index} is next`
    }
    if (index !== this.#index || this.#block === undefined) return `${type} of no open block`
    if (type === 'content_block_stop') {
      this.#block = undefined
      return ''
    }
    const isOfIt = deltasOf[this.#block]?.includes(delta?.type ?? '')
    return isOfIt ? '' : `${delta?.type} in a block of ${this.#block}`
  }
}
