import type { IncomingMessage } from 'node:http'
import { WireReader } from '../wire-reader.js'
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

/** One response in Anthropic's words. */
export class AnthropicReader extends WireReader {
  readonly #rules = new EventRules()

  protected frame(frame: string): void {
    const [, name = '', json = ''] = /^event: (\w+)\ndata: (\{.*\})$/.exec(frame) ?? []
    if (name === '') {
      this.tell(`no event of one JSON line: ${frame}`)
      return
    }
    this.parsed(json, (value) => {
      const event = value as { type: string }
      if (event.type !== name) this.tell(`an event ${name} of type ${event.type}`)
      this.tell(this.#rules.take(event))
      if (name !== 'ping') this.#hold(name === 'error' ? 'ErrorResponse' : 'StreamEvent', value)
      else if (json !== '{"type":"ping"}') this.tell(`a ping: ${json}`)
    })
  }

  protected body(text: string): void {
    this.parsed(text, (value) => this.#hold(this.#shape, value))
  }

  protected missing(): string {
    return this.#rules.end()
  }

  get #shape(): Shape | undefined {
    if (this.res.statusCode !== 200) return 'ErrorResponse'
    const path = plainPath(this.req)
    return path.startsWith('/models/') ? 'ModelInfo' : answers[`${this.req.method} ${path}`]
  }

  #hold(shape: Shape | undefined, value: unknown): void {
    if (shape === undefined) this.tell('not in test/support/wire/anthropic/reader.ts')
    else this.tell(anthropicProblem(shape, value))
  }
}
