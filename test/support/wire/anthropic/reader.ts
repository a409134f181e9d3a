import type { IncomingMessage, ServerResponse } from 'node:http'
import { EventRules } from './event-rules.js'
import { anthropicProblem, type Shape } from './shapes.js'

/** What an endpoint answers with when all is well, where it does not stream. */
const answers: Readonly<Record<string, Shape>> = {
  'POST /messages': 'Message',
  'POST /messages/count_tokens': 'MessageTokensCount',
  'GET /models': 'ModelsPage',
}

const plainPath = ({ url = '' }: IncomingMessage) => {
  return (url.split('?', 1)[0] ?? '').replace(/\/+/g, '/').replace(/^(\/v1)+(?=\/)/, '')
}

/** Whether a request is answered in Anthropic's words. */
export function isAnthropic(req: IncomingMessage): boolean {
  return /^\/messages(\/|$)/.test(plainPath(req)) || req.headers['anthropic-version'] !== undefined
}

/** One response, as it is written; `wrong` is told what is not as it is declared. */
export class AnthropicReader {
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #wrong: (problem: string) => void
  readonly #rules = new EventRules()
  #text = ''

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
      this.#tell(this.#text === '' ? '' : `the stream ends within a frame: ${this.#text}`)
      this.#tell(this.#rules.end())
    } else if (this.#text !== '' && this.#req.method !== 'HEAD') {
      this.#hold(this.#shape, this.#text)
    }
  }

  get #isStream(): boolean {
    return `${this.#res.getHeader('content-type')}`.startsWith('text/event-stream')
  }

  get #shape(): Shape | undefined {
    if (this.#res.statusCode !== 200) return 'ErrorResponse'
    const path = plainPath(this.#req)
    return path.startsWith('/models/') ? 'ModelInfo' : answers[`${this.#req.method} ${path}`]
  }

  #frame(frame: string): void {
    const [, name = '', json = ''] = /^event: (\w+)\ndata: (\{.*\})$/.exec(frame) ?? []
    if (name === '') {
      this.#wrong(`no event of one JSON line: ${frame}`)
      return
    }
    const event = JSON.parse(json) as { type: string }
    if (event.type !== name) this.#wrong(`an event ${name} of type ${event.type}`)
    this.#tell(this.#rules.take(event))
    if (name !== 'ping') this.#hold(name === 'error' ? 'ErrorResponse' : 'StreamEvent', json)
    else if (json !== '{"type":"ping"}') this.#wrong(`a ping: ${json}`)
  }

  #hold(shape: Shape | undefined, json: string): void {
    if (shape === undefined) this.#wrong('not in test/support/wire/anthropic/reader.ts')
    else this.#tell(anthropicProblem(shape, JSON.parse(json)))
  }

  #tell(problem: string): void {
    if (problem !== '') this.#wrong(problem)
  }
}
