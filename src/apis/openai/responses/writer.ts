import type { ReplyPart, ReplyResult } from '../../../api/types.js'
import type { HttpError } from '../../../web/errors.js'
import { oneLine } from '../../one-line.js'
import { type Hear, Output, type OutputOptions, unheard } from './output.js'
import { faultOf, type Head, type ResponseBody, responseBody, statusOf } from './response.js'

/** Hears of a response that has ended well, before its client does. */
export type Keep = (response: ResponseBody) => void

/** Writes one reply as the events of a response. Owned by its handler. */
export class ResponseEvents {
  readonly #head: Head
  readonly #keep: Keep
  readonly #output: Output
  /** Of the next event. */
  #number = 0
  /** How many were handed over. */
  #told = 0
  /** What has been made and not handed over. */
  #frames = ''

  constructor(head: Head, options: OutputOptions, keep: Keep) {
    this.#head = head
    this.#keep = keep
    const hear: Hear = {
      event: (type, fields) => this.#event(type, fields),
      deltas: (type, fields, rest) => this.#deltas(type, fields, rest),
    }
    this.#output = new Output(options, hear)
  }

  /** As OpenAI has it: Codex, which waits for 300 seconds, does not take a comment for a sign. */
  ping(): string {
    this.#event('keepalive', {})
    return this.#taken()
  }

  opening(): string {
    const response = responseBody(this.#head, { status: 'in_progress', output: [] })
    this.#event('response.created', { response })
    this.#event('response.in_progress', { response })
    return this.#taken()
  }

  part(part: ReplyPart): string {
    this.#output.add(part)
    return this.#taken()
  }

  ending(result: ReplyResult): string {
    const response = endedResponse(this.#head, this.#output, result)
    this.#event(`response.${response.status}`, { response })
    this.#keep(response)
    return this.#taken()
  }

  /** The error itself, which is flat here, and the response that it ends. */
  failure(error: HttpError): string {
    const { message, code, field } = error
    const state = { status: 'failed', output: this.#output.items, error: faultOf(error) } as const
    this.#frames = '' // what is not told has no numbers
    this.#number = this.#told
    this.#event('error', { code: code ?? null, message, param: field ?? null })
    this.#event('response.failed', { response: responseBody(this.#head, state) })
    return this.#taken()
  }

  #event(type: string, fields: object): void {
    const data = oneLine({ type, sequence_number: this.#number++, ...fields })
    this.#frames += `event: ${type}\ndata: ${data}\n\n`
  }

  /** A token costs one JSON.stringify of its text, and some joins. */
  #deltas(type: string, fields: object, rest: object = {}): (delta: string) => void {
    const opening = `event: ${type}\ndata: {"type":"${type}","sequence_number":`
    const place = `,${oneLine(fields).slice(1, -1)},"delta":`
    const others = oneLine(rest).slice(1, -1)
    const closing = `${others === '' ? '' : `,${others}`}}\n\n`
    return (delta) => {
      this.#frames += opening + this.#number++ + place + oneLine(delta) + closing
    }
  }

  #taken(): string {
    const frames = this.#frames
    this.#frames = ''
    this.#told = this.#number
    return frames
  }
}

/** Writes one reply as a response in one piece. Owned by its handler. */
export class ResponseParts {
  readonly #head: Head
  readonly #keep: Keep
  readonly #output: Output

  constructor(head: Head, options: OutputOptions, keep: Keep) {
    this.#head = head
    this.#keep = keep
    this.#output = new Output(options, unheard)
  }

  add(part: ReplyPart): void {
    this.#output.add(part)
  }

  body([result]: readonly [ReplyResult]): ResponseBody {
    const response = endedResponse(this.#head, this.#output, result)
    this.#keep(response)
    return response
  }
}

function endedResponse(head: Head, output: Output, { finishReason, usage }: ReplyResult) {
  const status = statusOf(finishReason)
  output.end(status === 'incomplete')
  return responseBody(head, { status, output: output.items, usage })
}
