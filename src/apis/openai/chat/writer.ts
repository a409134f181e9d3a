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
import { oneLine } from '../../one-line.js'
import {
  completionUsage,
  doneFrame,
  type Envelope,
  finishReasonOf,
  frameOpening,
  wireLogprob,
} from '../envelope.js'
import { errorFrame } from '../errors.js'
import type { DroppedMessages } from './truncation.js'

/**
 * Writes one reply's frames, of all its choices. What does not change is encoded once, for the
 * first part, as many requests may wait for theirs; a token costs one JSON.stringify of its text
 * and two joins.
 */
export class ChunkEncoder {
  readonly #envelope: Envelope
  readonly #options: ChunkOptions
  readonly #choiceClosing: string
  #madeOpening: string | undefined
  /** Of each choice, up to its text. */
  #textOpenings: readonly string[] = []

  constructor(envelope: Envelope, options: ChunkOptions) {
    this.#envelope = envelope
    this.#options = options
    this.#choiceClosing = `}]${options.includeUsage ? ',"usage":null' : ''}}\n\n`
  }

  /** The first frames: the role of each choice, and no text yet. */
  opening(): string {
    const role = '{"role":"assistant","content":""}'
    const { choices, dropped } = this.#options
    const first = frameOpening({ ...this.#envelope, ...dropped })
    const later = choices > 1 ? frameOpening(this.#envelope) : ''
    return Array.from({ length: choices }, (_, index) => {
      return this.#choice(index, role, 'null', index === 0 ? first : later)
    }).join('')
  }

  /** The frame of a part, or nothing where it says nothing. */
  part(part: ReplyPart): string {
    const { choice, text, logprobs, reasoning, toolCalls } = part
    const isText = reasoning === undefined && toolCalls === undefined
    if (text === '' && logprobs === undefined && isText) return ''
    const told = logprobs === undefined ? '' : `,"logprobs":${oneLine(choiceLogprobs(logprobs))}`
    const delta = isText
      ? `${this.#textOpening(choice)}${oneLine(text)}}`
      : `${this.#opening}{"index":${choice},"delta":${oneLine(deltaOf(part))}`
    return `${delta}${told},"finish_reason":null${this.#choiceClosing}`
  }

  /** The finish chunks, the usage chunk if it was asked for, and [DONE]: for one write. */
  ending({ choices, usage }: ReplyResult): string {
    const finish = choices
      .map((one, index) => this.#choice(index, '{}', `"${finishReasonOf(one.finishReason)}"`))
      .join('')
    if (!this.#options.includeUsage) return finish + doneFrame
    const counts = JSON.stringify(completionUsage(usage))
    return `${finish}${this.#opening}],"usage":${counts}}\n\n${doneFrame}`
  }

  failure(error: HttpError): string {
    return errorFrame(error)
  }

  get #opening(): string {
    this.#madeOpening ??= frameOpening(this.#envelope)
    return this.#madeOpening
  }

  #textOpening(choice: number): string {
    if (this.#textOpenings.length === 0) {
      this.#textOpenings = Array.from({ length: this.#options.choices }, (_, index) => {
        return `${this.#opening}{"index":${index},"delta":{"content":`
      })
    }
    return this.#textOpenings[choice] as string
  }

  #choice(index: number, delta: string, finishReason: string, opening = this.#opening): string {
    const choice = `{"index":${index},"delta":${delta},"finish_reason":${finishReason}`
    return opening + choice + this.#choiceClosing
  }
}

interface ChunkOptions {
  readonly choices: number
  readonly includeUsage: boolean
  readonly dropped?: DroppedMessages
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
