import type {
  LanguageModelV3FinishReason,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from '@ai-sdk/provider'
import type {
  FinishReason,
  ReplyLimit,
  ReplyPart,
  ReplyResult,
  Timings,
  TokenLogprob,
  TokenLogprobs,
  Usage,
} from '../api/types.js'
import type { Places } from './places.js'

/** What `providerMetadata.sluice` of a text tells beside what the AI SDK has a place for. */
export interface SluiceMetadata {
  /** The seed that was used, given or not. */
  readonly seed: number
  /** Of a reply that was cut: what it came up against. */
  readonly limit?: ReplyLimit
  /** The stop sequence that ended it, if one did. */
  readonly stopString?: string
  readonly timings: Timings
  /** Places in the prompt of the messages that `fit` dropped, from 0. Left out without `fit`. */
  readonly dropped?: readonly number[]
  /** One entry a token, where `logprobs` asked for them. */
  readonly logprobs?: readonly SluiceLogprobs[]
}

/** As ReplyPart has them, but for the bytes. */
interface SluiceLogprob {
  readonly token: string
  readonly logprob: number
}
interface SluiceLogprobs extends SluiceLogprob {
  readonly top: readonly SluiceLogprob[]
}

const unified: Record<FinishReason, LanguageModelV3FinishReason['unified']> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  cancelled: 'other',
}

/** How a reply ended, in the AI SDK's words. */
interface Ending {
  readonly finishReason: LanguageModelV3FinishReason
  readonly usage: LanguageModelV3Usage
  readonly providerMetadata: SharedV3ProviderMetadata
}

export function endingOf(
  result: ReplyResult,
  logprobs: readonly SluiceLogprobs[],
  { messages }: Places,
): Ending {
  const { finishReason, seed, limit, stopString, timings, dropped, usage } = result
  const places = dropped?.map((index) => messages[index] ?? index)
  const metadata: SluiceMetadata = {
    seed,
    timings: { ...timings },
    ...(limit === undefined ? {} : { limit }),
    ...(stopString === undefined ? {} : { stopString }),
    ...(places === undefined ? {} : { dropped: [...new Set(places)] }),
    ...(logprobs.length === 0 ? {} : { logprobs }),
  }
  return {
    finishReason: { unified: unified[finishReason], raw: finishReason },
    usage: usageOf(usage),
    providerMetadata: { sluice: metadata as unknown as SharedV3ProviderMetadata[string] },
  }
}

function usageOf(usage: Usage): LanguageModelV3Usage {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  return {
    inputTokens: {
      total: promptTokens,
      noCache: promptTokens - cachedTokens,
      cacheRead: cachedTokens,
      cacheWrite: undefined,
    },
    outputTokens: {
      total: completionTokens,
      text: reasoningTokens === undefined ? undefined : completionTokens - reasoningTokens,
      reasoning: reasoningTokens,
    },
    raw: { ...usage },
  }
}

/** Of a reply that failed, as far as it is known. */
export function partialUsage(promptTokens: number | undefined, completionTokens: number) {
  return {
    inputTokens: {
      total: promptTokens,
      noCache: undefined,
      cacheRead: undefined,
      cacheWrite: undefined,
    },
    outputTokens: { total: completionTokens, text: undefined, reasoning: undefined },
  }
}

/** Of a part of a reply, as values of JSON. */
export function logprobsOf({ logprobs = [] }: ReplyPart): SluiceLogprobs[] {
  return logprobs.map((entry: TokenLogprobs) => ({ ...plain(entry), top: entry.top.map(plain) }))
}

function plain({ token, logprob }: TokenLogprob): SluiceLogprob {
  return { token, logprob }
}
