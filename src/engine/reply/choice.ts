import type {
  ChoiceResult,
  ReplyLimit,
  ReplyPart,
  ToolCall,
  ToolCallDelta,
} from '../../api/types.js'
import type { NativeFinished, NativePart, NativeTokenLogprobs } from '../../binding/engine-port.js'
import { PackedLogprobs, promptTokenLogprobs, tokenLogprobs } from './token-logprobs.js'

/** What one choice took. */
export interface ChoiceTally {
  readonly completionTokens: number
  /** Undefined where it failed, or has not ended. */
  readonly result: ChoiceResult | undefined
}

/**
 * One of a reply's choices: what came of it and was not taken, and how it ended. Owned by Reply.
 */
export class Choice {
  readonly seed: number
  /** Of its native request, once that is submitted. */
  id = 0
  /** Once it is queued. */
  promptTokens: number | undefined
  /** Tokens that came, taken or not. */
  received = 0
  /** The engine is done with it. */
  isOver = false
  /** Tokens that came and were not credited; those of a reply that `done` drains are, unread. */
  uncredited = 0
  result: ChoiceResult | undefined

  readonly #index: number
  readonly #maxTokens: number
  /** Parts that were not taken yet, in order. No two neighbours are of one kind. */
  #waiting: WaitingPart[] = []
  /** What was taken. */
  readonly #taken = new Whole()

  /** @param maxTokens as a native request has it: -1 is no limit but the context */
  constructor(index: number, seed: number, maxTokens: number) {
    this.#index = index
    this.#maxTokens = maxTokens
    this.seed = seed
  }

  /** Nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  addText(text: string, tokens: number): void {
    const last = this.#waiting.at(-1)
    if (last !== undefined && isTextOrBare(last)) {
      last.text += text
      last.tokens += tokens
    } else {
      this.#waiting.push({ choice: this.#index, text, tokens })
    }
  }

  addPart(part: NativePart): void {
    const next = partOf(this.#index, part)
    const last = this.#waiting.at(-1)
    if (last !== undefined && joins(last, next)) append(last, next)
    else this.#waiting.push(next)
  }

  /** The first part that waits; there must be one. */
  take(): ReplyPart {
    const waiting = this.#waiting
    const part = (waiting.length === 1 ? waiting.pop() : waiting.shift()) as WaitingPart
    if (this.result === undefined) this.#taken.add(part)
    return takenPart(part)
  }

  clear(): void {
    this.#waiting = []
  }

  /** What it took, as far as the engine has told; exact once it has a result. */
  get tally(): ChoiceTally {
    const { received, result } = this
    return { completionTokens: Math.max(received, result?.usage.completionTokens ?? 0), result }
  }

  /** It ended as EngineClient says and counts it: `cancelled` if that came before its end. */
  finish(event: NativeFinished): void {
    const { promptTokens, cachedTokens, completionTokens, reasoningTokens, stopString } = event
    const { queueMs, prefillMs, decodeMs, parkedMs, draftTokens, draftAcceptedTokens } = event
    for (const part of this.#waiting) this.#taken.add(part)
    this.result = {
      finishReason: event.finishReason,
      ...(event.finishReason === 'length' ? { limit: this.#limitOf(completionTokens) } : {}),
      ...(stopString === undefined ? {} : { stopString }),
      ...this.#taken.result,
      seed: this.seed,
      usage: {
        promptTokens,
        cachedTokens,
        completionTokens,
        ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
      },
      timings: { queueMs, prefillMs, decodeMs, parkedMs, draftTokens, draftAcceptedTokens },
    }
  }

  /** What a reply of so many tokens came up against. */
  #limitOf(completionTokens: number): ReplyLimit {
    const isSpent = this.#maxTokens >= 0 && completionTokens >= this.#maxTokens
    return isSpent ? 'maxTokens' : 'context'
  }
}

/** Of a part's tokens, those that were generated. */
export function replyTokensOf({ tokens, promptLogprobs }: NativePart): number {
  return tokens - (promptLogprobs?.length ?? 0)
}

/** What a choice's parts come to, for its result. */
class Whole {
  readonly #text = new LongText()
  readonly #reasoning = new LongText()
  readonly #calls: ToolCall[] = []

  add({ text, reasoning, toolCalls }: Saying): void {
    if (text !== '') this.#text.add(text)
    if (reasoning !== undefined) this.#reasoning.add(reasoning)
    if (toolCalls !== undefined) for (const delta of toolCalls) this.#addCall(delta)
  }

  #addCall({ index, id = '', name = '', arguments: more }: ToolCallDelta): void {
    const call = this.#calls[index] ?? { id, name, arguments: '' }
    this.#calls[index] = { ...call, arguments: call.arguments + more }
  }

  get result(): Pick<ChoiceResult, 'text' | 'reasoning' | 'toolCalls'> {
    const reasoning = this.#reasoning.toString()
    return {
      text: this.#text.toString(),
      ...(reasoning === '' ? {} : { reasoning }),
      ...(this.#calls.length === 0 ? {} : { toolCalls: this.#calls }),
    }
  }
}

/**
 * A text that grows by a token at a time. `+=` alone would keep each token's string and a node that
 * joins it, some 56 bytes a token, until the text is read.
 */
class LongText {
  static readonly #piecesMax = 256
  #text = ''
  #pieces: string[] = []

  add(piece: string): void {
    this.#pieces.push(piece)
    if (this.#pieces.length < LongText.#piecesMax) return
    this.#text = this.toString()
    this.#pieces = []
  }

  toString(): string {
    return this.#text + this.#pieces.join('')
  }
}

/** What a part says, without what it tells of tokens. */
type Saying = Pick<ReplyPart, 'text' | 'reasoning' | 'toolCalls'>

/** What is told of tokens, as the engine told it. It is packed where it waits for its reader. */
type Told = readonly NativeTokenLogprobs[] | PackedLogprobs

/**
 * A part that may grow while it waits. What it tells of tokens has a reader's own form only once it
 * is taken, as that has a buffer for each token.
 */
interface WaitingPart extends Saying {
  readonly choice: number
  text: string
  tokens: number
  reasoning?: string
  toolCalls?: ToolCallDelta[]
  logprobs?: Told
  promptLogprobs?: Told
}

/** One that tells nothing of tokens. */
type Untold = Omit<WaitingPart, 'logprobs' | 'promptLogprobs'>

function partOf(choice: number, part: NativePart): WaitingPart {
  const { text, reasoning, toolCalls, logprobs, promptLogprobs } = part
  return {
    choice,
    text,
    tokens: replyTokensOf(part),
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(toolCalls === undefined ? {} : { toolCalls }),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
  }
}

function takenPart(part: WaitingPart): ReplyPart {
  const { logprobs, promptLogprobs } = part
  if (logprobs === undefined && promptLogprobs === undefined) return part as Untold
  const { logprobs: _, promptLogprobs: __, ...said } = part
  return {
    ...said,
    ...(logprobs === undefined ? {} : { logprobs: entriesOf(logprobs).map(tokenLogprobs) }),
    ...(promptLogprobs === undefined
      ? {}
      : { promptLogprobs: entriesOf(promptLogprobs).map(promptTokenLogprobs) }),
  }
}

/** Whether it has no kind yet, but what is told of tokens, or has text. */
function isTextOrBare({ reasoning, toolCalls }: Saying): boolean {
  return reasoning === undefined && toolCalls === undefined
}

function isBare(part: Saying): boolean {
  return part.text === '' && isTextOrBare(part)
}

/** Whether one part can say what both say: they are of one kind. */
function joins(last: Saying, next: Saying): boolean {
  if (isBare(last) || isBare(next)) return true
  if (next.reasoning !== undefined) return last.reasoning !== undefined
  if (next.toolCalls !== undefined) return last.toolCalls !== undefined
  return isTextOrBare(last)
}

/** Only where it joins. */
function append(last: WaitingPart, next: WaitingPart): void {
  last.text += next.text
  last.tokens += next.tokens
  if (next.reasoning !== undefined) last.reasoning = (last.reasoning ?? '') + next.reasoning
  for (const delta of next.toolCalls ?? []) {
    last.toolCalls ??= []
    appendCall(last.toolCalls, delta)
  }
  if (next.logprobs !== undefined) last.logprobs = joined(last.logprobs, next.logprobs)
  if (next.promptLogprobs !== undefined) {
    last.promptLogprobs = joined(last.promptLogprobs, next.promptLogprobs)
  }
}

function joined(first: Told | undefined, more: Told): Told {
  if (first === undefined) return more
  const all = first instanceof PackedLogprobs ? first : new PackedLogprobs()
  if (first !== all) all.add(entriesOf(first))
  all.add(entriesOf(more))
  return all
}

function entriesOf(told: Told): readonly NativeTokenLogprobs[] {
  return told instanceof PackedLogprobs ? told.unpacked() : told
}

function appendCall(calls: ToolCallDelta[], delta: ToolCallDelta): void {
  const last = calls.at(-1)
  if (last?.index !== delta.index) calls.push(delta)
  else calls[calls.length - 1] = { ...last, arguments: last.arguments + delta.arguments }
}
