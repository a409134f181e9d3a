import { randomInt } from 'node:crypto'
import { z } from 'zod'
import type { RequestOptions } from '../api/types.js'
import { temperatureMax } from '../options/engine-options.js'
import { stopTokensMax } from '../options/request-options.js'
import {
  anObject,
  arrayOf,
  boolean,
  int32Max,
  integerFrom,
  numberFrom,
  optional,
} from './fields.js'
import { structureFields, structureOptions } from './structure.js'

/** What every request for text may say, to whichever endpoint. */

export const leaveOut = 'leave the field out'
/** OpenAI takes 4. */
const stopsMax = 16

/** One model is served; whoever names it may, and '' names none. */
export const modelName = optional(z.string({ error: 'the name of a model, such as "default"' }))
const stopBytesMax = 256

const stopError = `a string of at most ${stopBytesMax} bytes`
const stopString = z
  .string({ error: stopError })
  .refine((text) => Buffer.byteLength(text) <= stopBytesMax, { error: stopError })

/** One string or several, of which empty ones mean nothing; always an array afterwards. */
const stop = z.union(
  [stopString.transform((one) => [one]), arrayOf(stopString, 0, stopsMax, 'strings')],
  { error: `${stopError}, or up to ${stopsMax} of them` },
)

const seedError = 'a whole number of 64 bits'
/** llama-server's word for "draw one". */
const anySeed = -1
/** As src/engine/native-request.ts draws them. */
const seedsMax = 2 ** 32 - 1

/** An int64 on the wire. What a double cannot hold exactly is folded to 32 bits here. */
const seed = z
  .number({ error: seedError })
  .refine((value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 63, { error: seedError })
  .transform((value) => {
    if (value === anySeed) return randomInt(seedsMax)
    return Number.isSafeInteger(value) ? value : Number(BigInt.asUintN(32, BigInt(value)))
  })

const biasError = 'at most 1024 token ids (whole numbers), each with a number from -100 to 100'
const logitBias = anObject(biasError)
  .refine(
    (map) => {
      const ids = Object.keys(map)
      return ids.length <= 1024 && ids.every((id) => /^\d{1,10}$/.test(id) && +id <= int32Max)
    },
    { error: biasError },
  )
  .pipe(z.record(z.string(), numberFrom(-100, 100)))

const saltCharactersMax = 256
const saltError = `a string of 1 to ${saltCharactersMax} characters`
const cacheSalt = z
  .string({ error: saltError })
  .min(1, { error: saltError })
  .max(saltCharactersMax, { error: saltError })

const limitError = `a whole number from 0 to ${int32Max}, or -1 for no limit`

/** Tokens of a reply; -1, as llama-server and others have it, is as many as there is room for. */
export const tokenLimit = z
  .number({ error: limitError })
  .refine((value) => Number.isInteger(value) && value >= -1 && value <= int32Max, {
    error: limitError,
  })

const streamOptions = z.object(
  { include_usage: optional(boolean()) },
  { error: 'an object such as {"include_usage": true}' },
)

export const generationFields = {
  stream: optional(boolean()).pipe(z.boolean().default(false)),
  stream_options: optional(streamOptions),
  max_tokens: optional(tokenLimit),
  temperature: optional(numberFrom(0, temperatureMax)),
  top_p: optional(numberFrom(0, 1)),
  frequency_penalty: optional(numberFrom(-2, 2)),
  presence_penalty: optional(numberFrom(-2, 2)),
  stop: optional(stop),
  seed: optional(seed),
  logit_bias: optional(logitBias),
  // Local extras, by the names that llama.cpp's own server gave them.
  top_k: optional(integerFrom(-1, int32Max)),
  min_p: optional(numberFrom(0, 1)),
  repeat_penalty: optional(
    numberFrom(0, 10).refine((value) => value > 0, { error: 'a number above 0, at most 10' }),
  ),
  repeat_last_n: optional(integerFrom(-1, int32Max)),
  ignore_eos: optional(boolean()),
  ...structureFields,
  // And two by the names that vLLM gave them.
  cache_salt: optional(cacheSalt),
  stop_token_ids: optional(arrayOf(integerFrom(0, int32Max), 0, stopTokensMax, 'token ids')),
}

type GenerationRequest = z.output<ReturnType<typeof z.object<typeof generationFields>>>

/**
 * The engine's options for what a request says; what it leaves open stays open.
 * @throws InvalidSchemaError or HttpError for the form that the reply shall have
 */
export function generationOptions(request: GenerationRequest): RequestOptions {
  return {
    ...structureOptions(request),
    ...withoutUndefined({
      maxTokens: limitOf(request.max_tokens),
      stop: request.stop,
      stopTokens: request.stop_token_ids,
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
    }),
  }
}

/** A limit that a request sets; undefined where it sets none. */
export function limitOf(tokens: number | undefined): number | undefined {
  return tokens === -1 ? undefined : tokens
}

/** For `refine`: stream_options make no sense without a stream. */
export function hasStreamForOptions(request: GenerationRequest): boolean {
  return request.stream || request.stream_options === undefined
}

export const streamOptionsIssue = {
  path: ['stream_options'],
  error: `no stream_options unless "stream" is true (${leaveOut})`,
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as Defined<T>
}
