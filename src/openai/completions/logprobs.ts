import { StringDecoder } from 'node:string_decoder'
import type { TokenLogprob, TokenLogprobs } from '../../engine/types.js'
import { wireLogprob } from '../logprob.js'

/** Parallel arrays, one entry a token. */
export interface CompletionLogprobs {
  tokens: string[]
  token_logprobs: number[]
  top_logprobs: Record<string, number>[]
  /** Where in the choice's text the token begins, in Unicode characters. */
  text_offset: number[]
}

/** Writes the logprobs of one choice, and knows how far its text has come. Owned by its handler. */
export class LogprobWriter {
  readonly #decoder = new StringDecoder('utf8')
  #offset = 0

  /** The next tokens of the choice. */
  write(entries: readonly TokenLogprobs[]): CompletionLogprobs {
    const columns: CompletionLogprobs = {
      tokens: [],
      token_logprobs: [],
      top_logprobs: [],
      text_offset: [],
    }
    for (const entry of entries) {
      columns.tokens.push(nameOf(entry))
      columns.token_logprobs.push(wireLogprob(entry.logprob))
      columns.top_logprobs.push(topOf(entry))
      columns.text_offset.push(this.#offset)
      this.#offset += [...this.#decoder.write(Buffer.from(entry.bytes))].length
    }
    return columns
  }
}

/** The chosen token is always among them, as OpenAI has it: one more than asked for then. */
function topOf(entry: TokenLogprobs): Record<string, number> {
  return Object.fromEntries(
    [...entry.top, entry].map((one) => [nameOf(one), wireLogprob(one.logprob)]),
  )
}

/** A token that is no text of its own is told by its bytes, or two of them would be one. */
function nameOf({ token, bytes }: TokenLogprob): string {
  if (!token.includes('\uFFFD')) return token
  return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
}
