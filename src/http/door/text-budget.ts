import { HttpError } from '../../web/errors.js'

/**
 * Bounds the text that waits for the tokenizer, which nothing can interrupt. Owned by App.
 */
export class TextBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /**
   * Runs what takes so many bytes of text, or throws a 429 where others' are waited for already.
   * Alone, any text may come. They count until it is done, or its client has left before that.
   */
  async run<T>(bytes: number, job: () => Promise<T>): Promise<T> {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      const waiting = `${this.#bytes} bytes of text wait to be tokenized`
      throw new HttpError('queue_full', `${waiting}, at most ${this.#bytesMax}; try again later.`)
    }
    this.#bytes += bytes
    try {
      return await job()
    } finally {
      this.#bytes -= bytes
    }
  }
}
