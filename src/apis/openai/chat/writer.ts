import type {
  ChoiceResult,
  ReplyPart,
  ReplyResult,
  TokenLogprob,
  TokenLogprobs,
  ToolCall,
  ToolCallDelta,
} from '../../../api/types.js'
import type { HttpError } from '../../../web/errors.js'
import {
  completionUsage,
  doneFrame,
  type Envelope,
  finishReasonOf,
  frameOpening,
  oneLine,
  wireLogprob,
} from '../envelope.js'
import { errorFrame } from '../errors.js'
import type { DroppedMessages } from './truncation.js'

/**
 * Writes one reply's frames, of all its choices. What does not change is encoded once, here; a
 * token costs one JSON.stringify of its text and two joins.
 */
export class ChunkEncoder {
  readonly #opening: string
  /** The same of the first frame. */
  readonly #firstOpening: string
  /** Of each choice, up to its text. */
  readonly #textOpenings: readonly string[]
  readonly #choiceClosing: string
  readonly #includeUsage: boolean

  constructor(
    envelope: Envelope,
    options: { choices: number; includeUsage: boolean; dropped?: DroppedMessages },
  ) {
    const opening = frameOpening(envelope)
    this.#includeUsage = options.includeUsage
    this.#opening = opening
    this.#firstOpening = frameOpening({ ...envelope, ...options.dropped })
    this.#textOpenings = Array.from({ length: options.choices }, (_, index) => {
      return `${opening}{"index":${index},"delta":{"content":`
    })
    this.#choiceClosing = `}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** The first frames: the role of each choice, and no text yet. */
  opening(): string {
    const role = '{"role":"assistant","content":""}'
    const [, ...others] = this.#textOpenings
    const first = this.#choice(0, role, 'null', this.#firstOpening)
    return first + others.map((_, i) => this.#choice(i + 1, role, 'null')).join('')
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

  #choice(index: number, delta: string, finishReason: string, opening = this.#opening): string {
    const choice = `{"index":${index},"delta":${delta},"finish_reason":${finishReason}`
    return opening + choice + this.#choiceClosing
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

/** What the result of a reply that is not streamed does not say: its parts' logprobs. */
export class CompletionParts {
  /** Of each choice; undefined where they were not asked for. */
  readonly #logprobs: readonly TokenLogprobs[][] | undefined

  readonly #envelope: Envelope

  constructor(envelope: Envelope, options: { choices: number; logprobs: boolean }) {
    this.#envelope = envelope
    if (options.logprobs) this.#logprobs = Array.from({ length: options.choices }, () => [])
  }

  add({ choice, logprobs = [] }: ReplyPart): void {
    this.#logprobs?.[choice]?.push(...logprobs)
  }

  /** The body, once the reply has ended. */
  body([{ choices, usage }]: readonly [ReplyResult]) {
    return {
      ...this.#envelope,
      choices: choices.map((choice, index) => {
        const logprobs = this.#logprobs?.[index]
        return {
          index,
          message: message(choice),
          logprobs: logprobs === undefined ? null : choiceLogprobs(logprobs),
          finish_reason: finishReasonOf(choice.finishReason),
        }
      }),
      usage: completionUsage(usage),
    }
  }
}

/** A message with tool calls and no text has null for content. */
function message({ text, reasoning, toolCalls = [] }: ChoiceResult) {
  return {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(wireToolCall) }),
  }
}

function wireToolCall({ id, name, arguments: json }: ToolCall) {
  return { id, type: 'function', function: { name, arguments: json } }
}

/** How likely some tokens of a choice were, as OpenAI tells it. */
function choiceLogprobs(tokens: readonly TokenLogprobs[]) {
  const content = tokens.map((entry) => ({ ...told(entry), top_logprobs: entry.top.map(told) }))
  return { content, refusal: null }
}

function told({ token, logprob, bytes }: TokenLogprob) {
  return { token, logprob: wireLogprob(logprob), bytes: Array.from(bytes) }
}
