import { StringDecoder } from 'node:string_decoder'
import type {
  PromptTokenLogprobs,
  ReplyPart,
  TokenLogprob,
  TokenLogprobs,
} from '../../../api/types.js'
import { wireLogprob } from '../envelope.js'

/** Parallel arrays, one entry a token. A prompt's first token follows nothing: it has null. */
export interface CompletionLogprobs {
  tokens: string[]
  token_logprobs: (number | null)[]
  top_logprobs: (Record<string, number> | null)[]
  /** Where in the choice's text the token begins, in Unicode characters. */
  text_offset: number[]
}

/** Writes a choice's logprobs, and knows how far its text has come. Owned by ChoiceWriter. */
class LogprobWriter {
  readonly #decoder = new StringDecoder('utf8')
  #offset: number

  /** @param echo what stands in front of the choice's text */
  constructor(echo: string) {
    this.#offset = lengthOf(echo)
  }

  /** The next tokens of the choice. */
  write(entries: readonly TokenLogprobs[]): CompletionLogprobs {
    const columns = noLogprobs()
    for (const entry of entries) {
      addTo(columns, entry, this.#offset)
      this.#offset += lengthOf(this.#decoder.write(Buffer.from(entry.bytes)))
    }
    return columns
  }
}

/**
 * Tells a prompt's tokens beside the text that they are: where each begins in it is found by
 * following it, for what a tokenizer makes of a text may have a blank more in front, and control
 * tokens that stand there by name, or not at all (BOS). Owned by ChoiceWriter.
 */
class EchoWriter {
  readonly #text: string
  readonly #decoder = new StringDecoder('utf8')
  /** Tokens that are to come. */
  #left: number
  /** In UTF-16 units, and in characters. */
  #at = 0
  #offset = 0

  constructor(text: string, tokens: number) {
    this.#text = text
    this.#left = tokens
  }

  /** The next tokens of the prompt, and what of its text they are: the last has all of the rest. */
  write(entries: readonly PromptTokenLogprobs[]): Told {
    const from = this.#at
    const logprobs = noLogprobs()
    for (const entry of entries) {
      addTo(logprobs, entry, this.#offset)
      this.#follow(entry)
    }
    this.#left -= entries.length
    const text = this.#text.slice(from, this.#left > 0 ? this.#at : undefined)
    return { text, logprobs }
  }

  #follow({ token, bytes }: TokenLogprob | PromptTokenLogprobs): void {
    const piece = bytes.length === 0 ? token : this.#decoder.write(Buffer.from(bytes))
    const isHere = this.#text.startsWith(piece, this.#at)
    if (!isHere && bytes.length === 0) return // a control token that the text does not name
    // Elsewhere the tokenizer has written something of its own, a blank in front for example.
    const isInserted = !isHere && this.#text.startsWith(piece.trimStart(), this.#at)
    const length = isInserted ? piece.trimStart().length : piece.length
    const passed = this.#text.slice(this.#at, this.#at + length)
    this.#at += passed.length
    this.#offset += lengthOf(passed)
  }
}

/** A piece of a choice; null where nothing is told of its tokens. */
export interface Told {
  readonly text: string
  readonly logprobs: CompletionLogprobs | null
}

/** What of a choice is sent beside its reply. */
export interface Telling {
  /** The prompt, where it is repeated; else nothing. */
  readonly echo: string
  /** Tokens of the prompt. */
  readonly promptTokens: number
  readonly tellsLogprobs: boolean
}

/** Writes one choice, prompt and reply, piece by piece. Owned by its handler. */
export class ChoiceWriter {
  /** What is sent before any part has come. */
  readonly opening: string
  readonly #echo: EchoWriter
  readonly #reply: LogprobWriter
  readonly #tellsLogprobs: boolean

  constructor({ echo, promptTokens, tellsLogprobs }: Telling) {
    this.opening = tellsLogprobs ? '' : echo
    this.#tellsLogprobs = tellsLogprobs
    this.#echo = new EchoWriter(echo, promptTokens)
    this.#reply = new LogprobWriter(echo)
  }

  /** A part's prompt and its reply; a piece of neither is left out. */
  write({ text, logprobs = [], promptLogprobs = [] }: ReplyPart): Told[] {
    const told: Told[] = promptLogprobs.length === 0 ? [] : [this.#echo.write(promptLogprobs)]
    if (logprobs.length > 0) told.push({ text, logprobs: this.#reply.write(logprobs) })
    else if (text !== '') told.push({ text, logprobs: null })
    return told
  }

  /** All of a choice as one. */
  whole(parts: readonly ReplyPart[]): Told {
    const told = parts.flatMap((part) => this.write(part))
    const text = this.opening + told.map((one) => one.text).join('')
    if (!this.#tellsLogprobs) return { text, logprobs: null }
    return { text, logprobs: joinLogprobs(told.flatMap(({ logprobs }) => logprobs ?? [])) }
  }
}

/** Of several pieces of one choice, in order. */
function joinLogprobs(all: readonly CompletionLogprobs[]): CompletionLogprobs {
  return {
    tokens: all.flatMap(({ tokens }) => tokens),
    token_logprobs: all.flatMap(({ token_logprobs: chances }) => chances),
    top_logprobs: all.flatMap(({ top_logprobs: likeliest }) => likeliest),
    text_offset: all.flatMap(({ text_offset: offsets }) => offsets),
  }
}

function noLogprobs(): CompletionLogprobs {
  return { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] }
}

type Entry = TokenLogprobs | PromptTokenLogprobs

function addTo(columns: CompletionLogprobs, entry: Entry, offset: number): void {
  columns.tokens.push(nameOf(entry))
  columns.token_logprobs.push(entry.logprob === null ? null : wireLogprob(entry.logprob))
  columns.top_logprobs.push(topOf(entry))
  columns.text_offset.push(offset)
}

/** The token itself is always among them, as OpenAI has it: one more than asked for then. */
function topOf(entry: Entry): Record<string, number> | null {
  if (entry.logprob === null) return null
  const all = [...entry.top, { ...entry, logprob: entry.logprob }]
  return Object.fromEntries(all.map((one) => [nameOf(one), wireLogprob(one.logprob)]))
}

/** A token that is no text of its own is told by its bytes, or two of them would be one. */
function nameOf({ token, bytes }: Pick<TokenLogprob, 'token' | 'bytes'>): string {
  if (!token.includes('\uFFFD')) return token
  return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
}

function lengthOf(text: string): number {
  return [...text].length
}
