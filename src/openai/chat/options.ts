import type { RequestOptions } from '../../engine/types.js'
import type { ChatRequest } from './schema.js'

/** The engine's options for a request; what it leaves open stays open, but for `maxTokens`. */
export function requestOptions(
  request: ChatRequest,
  maxTokens: number | undefined,
): RequestOptions {
  return withoutUndefined({
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? maxTokens,
    stop: request.stop,
    seed: request.seed,
    logitBias: request.logit_bias,
    ignoreEos: request.ignore_eos,
    cacheSalt: request.cache_salt,
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k,
    minP: request.min_p,
    repeatPenalty: request.repeat_penalty,
    repeatLastN: request.repeat_last_n,
    frequencyPenalty: request.frequency_penalty,
    presencePenalty: request.presence_penalty,
  })
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Defined<T>
}
