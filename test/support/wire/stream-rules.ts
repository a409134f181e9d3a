/** As much of a streamed frame as the rules look at. */
interface Frame {
  readonly id?: string
  readonly object?: string
  readonly created?: number
  readonly model?: string
  readonly choices?: readonly {
    readonly index: number
    readonly delta?: { readonly role?: string }
    readonly finish_reason: string | null
  }[]
  readonly usage?: object | null
}

/**
 * What no frame shows by itself: one id, who speaks first and once in each choice, one finish
 * reason in each and nothing of it afterwards, the usage last.
 */
export class StreamRules {
  readonly #isFinished = new Map<number, boolean>()
  #head: string | undefined
  #hasUsage = false

  /** What the next frame breaks; the empty string if nothing. */
  take(frame: Frame): string {
    const { id, object, created, model, choices = [], usage } = frame
    const head = JSON.stringify([id, object, created, model])
    this.#head ??= head
    if (head !== this.#head) return `the reply ${this.#head} goes on as ${head}`
    if (this.#hasUsage) return 'a frame after the usage'
    this.#hasUsage = choices.length === 0
    if (this.#hasUsage && !usage) return 'a frame without a choice and without usage'
    if (!this.#hasUsage && usage) return 'usage beside a choice'
    for (const choice of choices) {
      const broken = this.#choice(choice)
      if (broken !== '') return `choice ${choice.index}: ${broken}`
    }
    return ''
  }

  /** What is missing where the stream says [DONE]. */
  end(): string {
    if (this.#isFinished.size === 0) return '[DONE] without a choice'
    const open = [...this.#isFinished].filter(([, isFinished]) => !isFinished)
    return open.length === 0 ? '' : `no finish reason of choice ${open[0]?.[0]}`
  }

  #choice({ index, delta, finish_reason }: NonNullable<Frame['choices']>[number]): string {
    const isFirst = !this.#isFinished.has(index)
    if (this.#isFinished.get(index)) return 'more of it after its finish reason'
    this.#isFinished.set(index, finish_reason !== null)
    if (delta === undefined) return '' // legacy completions have text, and nobody who speaks
    if (isFirst && delta.role === undefined) return 'it begins without a role'
    return isFirst || delta.role === undefined ? '' : 'its role a second time'
  }
}
