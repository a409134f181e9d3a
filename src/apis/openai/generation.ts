import * as z from 'zod'
import { type SamplerStep, samplerSteps, samplingNames } from '../../api/sampling-options.js'
import type { RequestOptions } from '../../api/types.js'
import { int32Max, integerFrom, trueOrFalse } from '../../options/checks.js'
import {
  aBias,
  aBreaker,
  aSampler,
  aStop,
  aTokenId,
  biasedTokens,
  breakersMax,
  requestChecks,
  stopsMax,
  stopTokensMax,
} from '../../options/request-options.js'
import { scaledAdapters } from '../lora.js'
import { arrayOf, checked, flag, optional } from '../request.js'
import { seed } from '../seed.js'
import { type WireName, wireName } from './option-names.js'
import { structureFields } from './response-format.js'

/** What every request for text may say, to whichever endpoint. */

export const leaveOut = 'leave the field out'

/** One model is served: its name may be left out, or be ''. */
export const modelName = optional(z.string({ error: 'the name of a model, such as "default"' }))

/** One string or several, of which empty ones mean nothing; always an array afterwards. */
const stop = z.union(
  [checked(aStop).transform((one) => [one]), arrayOf(checked(aStop), 0, stopsMax, 'strings')],
  { error: requestChecks.stop.expected },
)

const logitBias = checked(biasedTokens).pipe(z.record(z.string(), checked(aBias)))

/** Tokens of a reply; -1, as llama-server and others have it, is as many as there is room for. */
export const tokenLimit = checked({
  ...integerFrom(-1, int32Max),
  expected: `${requestChecks.maxTokens.expected}, or -1 for no limit`,
})

const streamOptions = z.object(
  { include_usage: optional(checked(trueOrFalse)) },
  { error: 'an object such as {"include_usage": true}' },
)

/** Options that a request has as they are, by their wire names. */
const plainOptions = [...samplingNames, 'ignoreEos', 'cacheSalt'] as const
type PlainOption = (typeof plainOptions)[number]
type PlainFields = {
  [Option in PlainOption as WireName<Option>]: z.ZodType<RequestOptions[Option]>
}

const plainNames = plainOptions.map((option) => [option, wireName(option)] as const)

const plainFields = Object.fromEntries(
  plainNames.map(([option, name]) => [name, optional(checked<unknown>(requestChecks[option]))]),
) as unknown as PlainFields

/** Names of llama.cpp's samplers that have another here, and the letters that stand for them. */
const samplerWords: Readonly<Record<string, SamplerStep>> = {
  ...{ e: 'penalties', d: 'dry', s: 'top_n_sigma', k: 'top_k', y: 'typ_p', p: 'top_p' },
  ...{ m: 'min_p', x: 'xtc', t: 'temperature', typical_p: 'typ_p', typical: 'typ_p' },
  ...{
    'top-k': 'top_k',
    'top-p': 'top_p',
    'min-p': 'min_p',
    nucleus: 'top_p',
    temp: 'temperature',
  },
}

const someSampler = z
  .unknown()
  .transform((name) => {
    const isOther = typeof name === 'string' && Object.hasOwn(samplerWords, name)
    return isOther ? samplerWords[name] : name
  })
  .pipe(checked(aSampler))

/** A list of names, or a word of one letter for each, as llama-server takes them. */
const samplers = z
  .unknown()
  .transform((value) => (isWordOfSamplers(value) ? [...value] : value))
  .pipe(arrayOf(someSampler, 0, samplerSteps.length, 'names of samplers'))

function isWordOfSamplers(value: unknown): value is string {
  return typeof value === 'string' && value.length <= samplerSteps.length
}

const drySequenceBreakers = arrayOf(checked(aBreaker), 0, breakersMax, 'texts')

export const generationFields = {
  stream: flag(),
  stream_options: optional(streamOptions),
  max_tokens: optional(tokenLimit),
  stop: optional(stop),
  stop_token_ids: optional(arrayOf(checked(aTokenId), 0, stopTokensMax, 'token ids')),
  seed: optional(seed),
  logit_bias: optional(logitBias),
  samplers: optional(samplers),
  lora: optional(scaledAdapters),
  dry_sequence_breakers: optional(drySequenceBreakers),
  ...plainFields,
  ...structureFields,
}

type GenerationRequest = z.output<ReturnType<typeof z.object<typeof generationFields>>>

/** The engine's options for what a request says, but for its form. What it leaves open stays so. */
export function generationOptions(request: GenerationRequest): RequestOptions {
  return {
    ...withoutUndefined({
      maxTokens: limitOf(request.max_tokens),
      stop: request.stop,
      stopTokens: request.stop_token_ids,
      seed: request.seed,
      logitBias: request.logit_bias,
      samplers: request.samplers,
      drySequenceBreakers: request.dry_sequence_breakers,
    }),
    ...withoutUndefined(
      Object.fromEntries(plainNames.map(([option, name]) => [option, request[name]])),
    ),
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
