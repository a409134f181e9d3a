import { StringDecoder } from 'node:string_decoder'
import type { ChoiceResult, ReplyPart, ReplyResult, TokenLogprobs } from '../../../api/types.js'
import type { HttpError } from '../../../web/errors.js'
import { oneLine } from '../../one-line.js'
import { wireLogprob } from '../../openai/envelope.js'
import { llamaErrorFrame } from '../errors.js'
import { llamaTimings } from './timings.js'

/** What is said of one of a request's prompts, beside its reply. */
export interface CompletionHead {
  readonly model: string
  /** As text, with the names of control tokens. */
  readonly prompt: string
  readonly promptTokens: number
  /** `generation_settings`, with the seed that was used. */
  readonly settings: (seed: number) => unknown
}

export interface CompletionTelling {
  readonly returnsTokens: boolean
  /** Alternatives of each token; 0 tells no probabilities. */
  readonly probabilities: number
  /** Paths of what the body has, such as `timings/prompt_n`; undefined is all of it. */
  readonly responseFields: readonly string[] | undefined
}

/** POST /completion as one body: an object, or a list of them where there are several prompts. */
export class LlamaCompletionBody {
  readonly #heads: readonly CompletionHead[]
  readonly #telling: CompletionTelling
  readonly #entries: TokenLogprobs[][]

  constructor(heads: readonly CompletionHead[], telling: CompletionTelling) {
    this.#heads = heads
    this.#telling = telling
    this.#entries = heads.map(() => [])
  }

  add({ logprobs = [] }: ReplyPart, reply: number): void {
    for (const entry of logprobs) this.#entries[reply]?.push(entry)
  }

  body(results: readonly ReplyResult[]): unknown {
    const { returnsTokens, probabilities, responseFields = [] } = this.#telling
    const all = this.#heads.map((head, i) => {
      const entries = this.#entries[i] ?? []
      const whole = {
        ...ending(head, i, results[i] as ChoiceResult, returnsTokens ? idsOf(entries) : []),
        ...(probabilities > 0 ? { completion_probabilities: entries.map(probability) } : {}),
      }
      return responseFields.length === 0 ? whole : fieldsOf(whole, responseFields)
    })
    return all.length > 1 ? all : all[0]
  }
}

/** The same as frames: one for each token, and one that ends a prompt's reply. */
export class LlamaCompletionFrames {
  readonly #heads: readonly CompletionHead[]
  readonly #telling: CompletionTelling
  readonly #replies: { readonly decoder: StringDecoder; sent: string; tokens: number }[]

  constructor(heads: readonly CompletionHead[], telling: CompletionTelling) {
    this.#heads = heads
    this.#telling = telling
    this.#replies = heads.map(() => ({ decoder: new StringDecoder('utf8'), sent: '', tokens: 0 }))
  }

  opening(): string {
    return ''
  }

  part({ logprobs = [] }: ReplyPart, reply: number): string {
    const state = this.#replies[reply]
    if (state === undefined) return ''
    // A part without tokens has the beginning of a character, or what a later one tells of.
    const frames = logprobs.map((entry) => {
      state.tokens++
      const content = state.decoder.write(Buffer.from(entry.bytes))
      state.sent += content
      return this.#frame(reply, content, entry)
    })
    return frames.join('')
  }

  ending(result: ReplyResult, reply: number): string {
    const head = this.#heads[reply]
    const state = this.#replies[reply]
    if (head === undefined || state === undefined) return ''
    // Half a character that nothing followed.
    const rest = result.text.startsWith(state.sent) ? result.text.slice(state.sent.length) : ''
    const last = { ...ending(head, reply, result, []), content: rest }
    const { responseFields = [] } = this.#telling
    const told = responseFields.length === 0 ? last : fieldsOf(last, responseFields)
    return `data: ${oneLine(told)}\n\n`
  }

  failure(error: HttpError): string {
    return llamaErrorFrame(error)
  }

  #frame(reply: number, content: string, entry: TokenLogprobs): string {
    const frame = {
      index: reply,
      content,
      tokens: [entry.id],
      stop: false,
      id_slot: -1,
      tokens_predicted: this.#replies[reply]?.tokens ?? 0,
      tokens_evaluated: this.#heads[reply]?.promptTokens ?? 0,
      ...(this.#telling.probabilities > 0
        ? { completion_probabilities: [probability(entry)] }
        : {}),
    }
    return `data: ${oneLine(frame)}\n\n`
  }
}

/** All that is known once a reply has ended. */
function ending(
  head: CompletionHead,
  index: number,
  result: ChoiceResult,
  tokens: readonly number[],
) {
  const { text, usage, seed } = result
  return {
    index,
    content: text,
    tokens,
    id_slot: -1,
    stop: true,
    model: head.model,
    tokens_predicted: usage.completionTokens,
    tokens_evaluated: usage.promptTokens,
    generation_settings: head.settings(seed),
    prompt: head.prompt,
    has_new_line: text.includes('\n'),
    truncated: result.limit === 'context',
    stop_type: stopTypeOf(result),
    stopping_word: result.stopString ?? '',
    tokens_cached: usage.promptTokens + usage.completionTokens,
    timings: llamaTimings(result),
  }
}

function stopTypeOf({ finishReason, stopString }: ChoiceResult): 'limit' | 'word' | 'eos' {
  if (finishReason === 'length') return 'limit'
  return stopString === undefined ? 'eos' : 'word'
}

function idsOf(entries: readonly TokenLogprobs[]): number[] {
  return entries.map(({ id }) => id)
}

function probability({ top, ...entry }: TokenLogprobs) {
  return { ...told(entry), top_logprobs: top.map(told) }
}

function told({ id, token, bytes, logprob }: Omit<TokenLogprobs, 'top'>) {
  return { id, token, bytes: Array.from(bytes), logprob: wireLogprob(logprob) }
}

/** What stands at some paths of a body, by them; what is not there is left out. */
function fieldsOf(whole: object, paths: readonly string[]): Record<string, unknown> {
  const found = paths.map((path): [string, unknown] => {
    const value = path.split('/').reduce<unknown>((at, key) => {
      return typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string, unknown>)[key]
        : undefined
    }, whole)
    return [path, value]
  })
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}
