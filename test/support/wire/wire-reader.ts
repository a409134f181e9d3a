import type { IncomingMessage, ServerResponse } from 'node:http'

/** One response, as it is written: a body, or the frames of a stream. */
export abstract class WireReader {
  protected readonly req: IncomingMessage
  protected readonly res: ServerResponse
  readonly #wrong: (problem: string) => void
  #text = ''

  /** @param wrong is told what is not as it is declared */
  constructor(req: IncomingMessage, res: ServerResponse, wrong: (problem: string) => void) {
    this.req = req
    this.res = res
    this.#wrong = wrong
  }

  protected abstract frame(frame: string): void
  protected abstract body(text: string): void
  /** What is missing where a stream ends; the empty string if nothing. */
  protected abstract missing(): string

  take(chunk: unknown): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    this.#text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    if (!this.#isStream) return
    const frames = this.#text.split(this.#isOfLines ? '\n' : '\n\n')
    this.#text = frames.pop() ?? ''
    for (const frame of frames) this.frame(frame)
  }

  end(): void {
    const hasBody = this.#text !== '' && this.req.method !== 'HEAD' && this.res.statusCode !== 204
    if (this.#isStream) {
      this.tell(this.#text === '' ? '' : `the stream ends within a frame: ${this.#text}`)
      this.tell(this.missing())
    } else if (hasBody) {
      this.body(this.#text)
    }
  }

  /** @param problem the empty string is none */
  protected tell(problem: string): void {
    if (problem !== '') this.#wrong(problem)
  }

  protected parsed(text: string, then: (value: unknown) => void): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      this.tell(`not JSON: ${text}`)
      return
    }
    then(value)
  }

  get #isStream(): boolean {
    const type = `${this.res.getHeader('content-type')}`
    return type.startsWith('text/event-stream') || this.#isOfLines
  }

  get #isOfLines(): boolean {
    return this.res.getHeader('content-type') === 'application/x-ndjson'
  }
}
