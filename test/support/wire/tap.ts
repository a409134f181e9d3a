import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { AnthropicReader, isAnthropic } from './anthropic/reader.js'
import { isOllama, OllamaReader } from './ollama-reader.js'
import { type ResponseFrame, ResponseRules } from './response-rules.js'
import { answerOf } from './routes.js'
import { type Shape, shapeProblem } from './shapes.js'
import { StreamRules } from './stream-rules.js'
import { WireReader } from './wire-reader.js'

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
    const reader = readerOf(req, res, wrong)
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

function readerOf(req: IncomingMessage, res: ServerResponse, wrong: (problem: string) => void) {
  if (isAnthropic(req)) return new AnthropicReader(req, res, wrong)
  if (isOllama(req)) return new OllamaReader(req, res, wrong)
  return new AnswerReader(req, res, wrong)
}

/** One response in OpenAI's words. */
class AnswerReader extends WireReader {
  readonly #rules = new StreamRules()
  readonly #responseRules = new ResponseRules()
  #isDone = false

  protected frame(frame: string): void {
    if (this.#isDone) this.tell(`a frame after [DONE]: ${frame}`)
    if (frame === 'data: [DONE]') this.#done()
    if (this.#isDone || frame === ': ping') return
    if (this.#isOfEvents) this.#event(frame)
    else if (/^data: \{.*\}$/.test(frame)) this.#data(frame.slice('data: '.length))
    else this.tell(`no frame of one JSON line: ${frame}`)
  }

  protected body(text: string): void {
    const { statusCode } = this.res
    const shape = statusCode === 200 ? this.#answer?.body : (this.#answer?.error ?? 'ErrorBody')
    if (shape !== 'ours') this.parsed(text, (value) => this.#hold(shape, value))
  }

  /** [DONE] is missing after an error. */
  protected missing(): string {
    return this.#isOfEvents ? this.#responseRules.end() : ''
  }

  get #isOfEvents(): boolean {
    return this.#answer?.frame === 'ResponseEvent'
  }

  /** A frame with the name of its event, which its data says as well. */
  #event(frame: string): void {
    const [, name, json] = /^event: (\S+)\ndata: (\{.*\})$/.exec(frame) ?? []
    if (json === undefined) {
      this.tell(`no event with one line of JSON: ${frame}`)
      return
    }
    this.parsed(json, (value) => {
      this.#hold('ResponseEvent', value)
      const event = value as ResponseFrame
      if (event.type !== name) this.tell(`event ${name} says that it is ${event.type}`)
      this.tell(this.#responseRules.take(event))
    })
  }

  #data(json: string): void {
    this.parsed(json, (value) => {
      const frame = this.#answer?.frame
      if (frame === 'ours') return
      const isError = typeof value === 'object' && value !== null && 'error' in value
      this.#hold(isError ? 'ErrorBody' : frame, value)
      if (!isError) this.tell(this.#rules.take(value as object))
    })
  }

  #done(): void {
    this.#isDone = true
    this.tell(this.#rules.end())
  }

  get #answer() {
    return answerOf(this.req.method ?? '', this.req.url ?? '')
  }

  #hold(shape: Shape | undefined, value: unknown): void {
    const isListed = shape !== undefined
    this.tell(isListed ? shapeProblem(shape, value) : 'not in test/support/wire/routes.ts')
  }
}
