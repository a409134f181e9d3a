import type { ReplyPart, ReplyResult, ToolCallDelta } from '../../../api/types.js'
import type { HttpError } from '../../../web/errors.js'
import type { Heading } from '../envelope.js'
import { errorFrame } from '../errors.js'
import { doneFrame, oneLine } from '../frames.js'
import { completionUsage, finishReasonOf } from '../usage.js'
import { choiceLogprobs } from './logprobs.js'

/**
 * Writes one reply's frames, of all its choices. What does not change is encoded once, here; a
 * token costs one JSON.stringify of its text and two joins.
 */
export class ChunkEncoder {
  readonly #opening: string
  /** Of each choice, up to its text. */
  readonly #textOpenings: readonly string[]
  readonly #choiceClosing: string
  readonly #includeUsage: boolean

  constructor(heading: Heading, options: { choices: number; includeUsage: boolean }) {
    const head = JSON.stringify({
      id: heading.id,
      object: 'chat.completion.chunk',
      created: heading.created,
      model: heading.model,
      system_fingerprint: heading.fingerprint,
    })
    const opening = `data: ${head.slice(0, -1)},"choices":[`
    this.#includeUsage = options.includeUsage
    this.#opening = opening
    this.#textOpenings = Array.from({ length: options.choices }, (_, index) => {
      return `${opening}{"index":${index},"delta":{"content":`
    })
    this.#choiceClosing = `}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** The first frames: who speaks, in each choice, and no text yet. */
  opening(): string {
    const role = '{"role":"assistant","content":""}'
    return this.#textOpenings.map((_, index) => this.#choice(index, role, 'null')).join('')
  }

  /** The frame of a part, or nothing where it says nothing. */
  part(part: ReplyPart): string {
    const { choice, text, logprobs, reasoning, toolCalls } = part
    const isText = reasoning === undefined && toolCalls === undefined
    if (text === '' && logprobs === undefined && isText) return ''
    const told = logprobs === undefined ? '' : `,"logprobs":${oneLine(choiceLogprobs(logprobs))}`
    const delta = isText
      ? `${this.#textOpenings[choice]}${oneLine(text)}}`
      : `${this.#opening}{"index":${choice},"delta":${oneLine(deltaOf(part))}`
    return `${delta}${told},"finish_reason":null${this.#choiceClosing}`
  }

  /** The finish chunks, the usage chunk if it was asked for, and [DONE]: for one write. */
  ending({ choices, usage }: ReplyResult): string {
    const finish = choices
      .map((one, index) => this.#choice(index, '{}', `"${finishReasonOf(one.finishReason)}"`))
      .join('')
    if (!this.#includeUsage) return finish + doneFrame
    const counts = JSON.stringify(completionUsage(usage))
    return `${finish}${this.#opening}],"usage":${counts}}\n\n${doneFrame}`
  }

  failure(error: HttpError): string {
    return errorFrame(error)
  }

  #choice(index: number, delta: string, finishReason: string): string {
    const choice = `{"index":${index},"delta":${delta},"finish_reason":${finishReason}`
    return this.#opening + choice + this.#choiceClosing
  }
}

/** Of a part that is no text. */
function deltaOf({ reasoning, toolCalls }: ReplyPart) {
  if (toolCalls === undefined) return { reasoning_content: reasoning }
  return { tool_calls: toolCalls.map(callDelta) }
}

/** Id, type and name once, with a call's first piece. */
function callDelta({ index, id, name, arguments: json }: ToolCallDelta) {
  if (id === undefined) return { index, function: { arguments: json } }
  return { index, id, type: 'function', function: { name, arguments: json } }
}
