import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { AnthropicReader, isAnthropic } from './anthropic/reader.js'
import { type ResponseFrame, ResponseRules } from './response-rules.js'
import { answerOf } from './routes.js'
import { type Shape, shapeProblem } from './shapes.js'
import { StreamRules } from './stream-rules.js'

/**
 * Reads along with everything a server sends, and holds each frame and body against OpenAI's
 * declarations, or Anthropic's where it is asked in its words. Returns what was wrong so far;
 * whoever made the server asks at its end.
 */
export function tapWire(server: Server): () => string[] {
  const problems: string[] = []
  const tap = (req: IncomingMessage, res: ServerResponse) => {
    const wrong = (problem: string) => {
      problems.push(`${req.method} ${req.url}: ${problem}`.slice(0, 1000))
    }
    const reader = isAnthropic(req)
      ? new AnthropicReader(req, res, wrong)
      : new AnswerReader(req, res, wrong)
    const { write, end } = res
    res.write = ((...args: unknown[]) => {
      reader.take(args[0])
      return Reflect.apply(write, res, args)
    }) as typeof res.write
    res.end = ((...args: unknown[]) => {
      reader.take(args[0])
      reader.end()
      return Reflect.apply(end, res, args)
    }) as typeof res.end
  }
  // Before the server's own listener, which may answer at once.
  server.prependListener('request', tap)
  server.prependListener('checkContinue', tap)
  return () => problems
}

/** One response, as it is written. */
class AnswerReader {
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #wrong: (problem: string) => void
  readonly #rules = new StreamRules()
  readonly #responseRules = new ResponseRules()
  #text = ''
  #isDone = false

  constructor(req: IncomingMessage, res: ServerResponse, wrong: (problem: string) => void) {
    this.#req = req
    this.#res = res
    this.#wrong = wrong
  }

  take(chunk: unknown): void {
    if (typeof chunk !== 'string' && !Buffer.isBuffer(chunk)) return
    this.#text += chunk.toString()
    if (!this.#isStream) return
    const frames = this.#text.split('\n\n')
    this.#text = frames.pop() ?? ''
    for (const frame of frames) this.#frame(frame)
  }

  end(): void {
    if (this.#isStream) {
      if (this.#text !== '') this.#wrong(`the stream ends within a frame: ${this.#text}`)
      if (this.#isOfEvents) this.#breaks(this.#responseRules.end())
    } else if (this.#hasBody) {
      this.#body(this.#res.statusCode)
    }
  }

  get #isStream(): boolean {
    return `${this.#res.getHeader('content-type')}`.startsWith('text/event-stream')
  }

  get #hasBody(): boolean {
    return this.#text !== '' && this.#req.method !== 'HEAD' && this.#res.statusCode !== 204
  }

  #frame(frame: string): void {
    if (this.#isDone) this.#wrong(`a frame after [DONE]: ${frame}`)
    if (frame === 'data: [DONE]') this.#done()
    if (this.#isDone || frame === ': ping') return
    if (this.#isOfEvents) this.#event(frame)
    else if (/^data: \{.*\}$/.test(frame)) this.#data(frame.slice('data: '.length))
    else this.#wrong(`no frame of one JSON line: ${frame}`)
  }

  get #isOfEvents(): boolean {
    return this.#answer?.frame === 'ResponseEvent'
  }

  /** A frame with the name of its event, which its data says as well. */
  #event(frame: string): void {
    const [, name, json] = /^event: (\S+)\ndata: (\{.*\})$/.exec(frame) ?? []
    if (json === undefined) {
      this.#wrong(`no event with one line of JSON: ${frame}`)
      return
    }
    this.#parsed(json, (value) => {
      this.#hold('ResponseEvent', value)
      const event = value as ResponseFrame
      if (event.type !== name) this.#wrong(`event ${name} says that it is ${event.type}`)
      this.#breaks(this.#responseRules.take(event))
    })
  }

  #body(status: number): void {
    const shape = status === 200 ? this.#answer?.body : (this.#answer?.error ?? 'ErrorBody')
    if (shape !== 'ours') this.#parsed(this.#text, (value) => this.#hold(shape, value))
  }

  #data(json: string): void {
    this.#parsed(json, (value) => {
      const isError = typeof value === 'object' && value !== null && 'error' in value
      this.#hold(isError ? 'ErrorBody' : this.#answer?.frame, value)
      if (!isError) this.#breaks(this.#rules.take(value as object))
    })
  }

  #done(): void {
    this.#isDone = true
    this.#breaks(this.#rules.end())
  }

  #breaks(rule: string): void {
    if (rule !== '') this.#wrong(rule)
  }

  #parsed(text: string, then: (value: unknown) => void): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      this.#wrong(`not JSON: ${text}`)
      return
    }
    then(value)
  }

  get #answer() {
    return answerOf(this.#req.method ?? '', this.#req.url ?? '')
  }

  #hold(shape: Shape | undefined, value: unknown): void {
    const isListed = shape !== undefined
    const problem = isListed ? shapeProblem(shape, value) : 'not in test/support/wire/routes.ts'
    if (problem !== '') this.#wrong(problem)
  }
}
