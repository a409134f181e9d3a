import { randomInt } from 'node:crypto'
import {
  drySequenceBreakers,
  perSamplingName,
  type SamplingOptions,
  samplingRows,
} from '../api/sampling-options.js'
import type { EngineSettings, RequestOptions } from '../api/types.js'
import type { NativePrompt, NativeRequest } from '../binding/engine-port.js'
import type { scalesOf } from '../options/lora-options.js'
import { jsonGrammar } from '../schema/schema-grammar.js'
import { choiceGrammar, regexGrammar } from '../schema/text-grammar.js'
import type { CompiledSchema } from './compiled-schema.js'

/** What of a request is not sampling has been read before: its schema is compiled. */
type ReadyOptions = Omit<RequestOptions, 'schema'> & {
  readonly schema?: CompiledSchema | undefined
}

/** llama.cpp takes 2^32 - 1 for "draw one", so seeds stay below it. */
const seedMax = 2 ** 32 - 2

/**
 * A request's value, else the engine's default, else the GGUF's, else the neutral one.
 * @param adapters of the request, each with its scale
 */
export function nativeRequest(
  prompt: NativePrompt,
  options: ReadyOptions,
  defaults: SamplingOptions,
  recommended: SamplingOptions,
  adapters: ReturnType<typeof scalesOf> = [],
): Omit<NativeRequest, 'id'> {
  const stop = options.stop ?? []
  return {
    choices: options.n ?? 1,
    prompt,
    maxTokens: options.maxTokens ?? -1,
    stop: [stop].flat().filter((one) => one !== ''),
    stopTokens: [...(options.stopTokens ?? [])],
    ignoreEos: options.ignoreEos ?? false,
    samplers: [...(options.samplers ?? [])],
    drySequenceBreakers: [...(options.drySequenceBreakers ?? drySequenceBreakers)],
    ...perSamplingName((name) => {
      return options[name] ?? defaults[name] ?? recommended[name] ?? samplingRows[name].neutral
    }),
    seed: foldSeed(options.seed ?? defaults.seed),
    logprobs: options.logprobs ?? -1,
    promptLogprobs: options.promptLogprobs ?? -1,
    logitBias: Object.entries(options.logitBias ?? {}).flatMap(([token, bias]) => [+token, bias]),
    ...grammarOf(options),
    labelTokens: [],
    cacheSalt: options.cacheSalt ?? '',
    owner: options.owner ?? '',
    adapters: adapters.flat(),
  }
}

/** What a request that says nothing of sampling gets. */
export function samplingOf(
  defaults: SamplingOptions,
  recommended: SamplingOptions,
): EngineSettings['sampling'] {
  const numbers = perSamplingName((name) => {
    return defaults[name] ?? recommended[name] ?? samplingRows[name].neutral
  })
  return { ...numbers, seed: defaults.seed ?? null }
}

/** The seed of a reply's choice, by the first one's. */
export function choiceSeed(seed: number, choice: number): number {
  return (seed + choice) % (seedMax + 1)
}

/** @throws InvalidSchemaError */
function grammarOf({
  grammar = '',
  schema,
  json,
  regex,
  choices,
}: ReadyOptions): Pick<NativeRequest, 'grammar' | 'grammarIsSchema'> {
  if (json === true) return { grammar: jsonGrammar(), grammarIsSchema: true }
  if (regex !== undefined) return { grammar: regexGrammar(regex), grammarIsSchema: true }
  if (choices !== undefined) return { grammar: choiceGrammar(choices), grammarIsSchema: true }
  if (schema === undefined) return { grammar, grammarIsSchema: false }
  return { grammar: schema.grammar, grammarIsSchema: true }
}

function foldSeed(seed: number | undefined): number {
  if (seed === undefined) return randomInt(seedMax + 1)
  return Math.min(seedMax, ((seed % 2 ** 32) + 2 ** 32) % 2 ** 32)
}
