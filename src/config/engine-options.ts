import type { LoadOptions, ReasoningDefaults, SamplingOptions } from '../engine/types.js'
import {
  abortSignal,
  aFunction,
  type Check,
  type Checks,
  check,
  demand,
  filePath,
  int32Max,
  integerFrom,
  isNumber,
  numberFrom,
  oneOf,
  parseFields,
  trueOrFalse,
  wrong,
} from './checks.js'

/** As many sequences as llama.cpp has. */
export const parallelMax = 256
const templateBytesMax = 2 ** 20
export const budgetMessageBytesMax = 1024

/** Shared with requests: each may be a default of the engine and a request's own. */
export const samplingChecks: Checks<SamplingOptions> = {
  temperature: numberFrom(0, 2),
  topP: numberFrom(0, 1),
  topK: integerFrom(0, int32Max),
  minP: numberFrom(0, 1),
  repeatPenalty: check(
    'a number above 0, at most 10',
    (value) => isNumber(value, 0, 10) && value > 0,
  ),
  repeatLastN: integerFrom(-1, int32Max),
  frequencyPenalty: numberFrom(-2, 2),
  presencePenalty: numberFrom(-2, 2),
  seed: check('a whole number that JavaScript holds exactly', Number.isSafeInteger),
}

/** Shared with requests in the same way. */
export const budgetChecks: Checks<ReasoningDefaults> = {
  budget: integerFrom(-1, int32Max),
  budgetMessage: check(`a string of at most ${budgetMessageBytesMax} bytes`, (value) => {
    return typeof value === 'string' && Buffer.byteLength(value) <= budgetMessageBytesMax
  }),
}

/** An object; what is in it is checked by parseFields. */
const anything: Check<object> = check('an object', () => true)

export const loadChecks: Checks<LoadOptions> = {
  model: filePath,
  parallel: integerFrom(1, parallelMax),
  context: integerFrom(32, 2 ** 24),
  window: integerFrom(1, 65_536),
  queue: integerFrom(0, 65_536),
  queueDeadlineMs: integerFrom(1, int32Max),
  threads: integerFrom(1, 512),
  poll: integerFrom(0, 100),
  priority: oneOf('low', 'normal', 'medium', 'high', 'realtime'),
  gpuLayers: integerFrom(-1, 65_536),
  kvType: oneOf('f16', 'q8_0'),
  kvCells: integerFrom(32, 2 ** 30),
  cacheMiB: integerFrom(0, 2 ** 20),
  chatTemplate: check(`a template of 1 to ${templateBytesMax} bytes`, (value) => {
    return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= templateBytesMax
  }),
  draft: filePath,
  lookup: trueOrFalse,
  draftMax: integerFrom(1, 16),
  embeddings: trueOrFalse,
  sampling: anything,
  reasoning: anything,
  onProgress: aFunction,
  signal: abortSignal,
}

/** Those that do not depend on the machine or the model. */
export const loadDefaults = {
  parallel: 4,
  window: 64,
  queue: 64,
  queueDeadlineMs: 60_000,
  poll: 0,
  priority: 'normal' as const,
  gpuLayers: -1,
  kvType: 'f16' as const,
  lookup: false,
}

export type SettledLoadOptions = LoadOptions &
  Required<Pick<LoadOptions, keyof typeof loadDefaults | 'sampling' | 'reasoning'>>

/** What a file recommends, as far as a request might ask for it. */
export function usableSampling(recommended: SamplingOptions): SamplingOptions {
  const usable = Object.entries(recommended).filter(([key, value]) => {
    return samplingChecks[key as keyof SamplingOptions]?.accepts(value)
  })
  return Object.fromEntries(usable)
}

/** @throws InvalidOptionError, with the option's path, for example `sampling.temperature` */
export function parseLoadOptions(input: unknown): SettledLoadOptions {
  const given = parseFields<LoadOptions>(input, loadChecks)
  const model = demand('model', given.model, filePath)
  const settled = { ...loadDefaults, ...given, model }
  if (given.kvCells !== undefined && given.kvCells < (given.context ?? 0)) {
    throw wrong('kvCells', `a whole number from ${given.context} (context) on`, given.kvCells)
  }
  if (given.draft !== undefined && given.lookup === true) {
    throw wrong('lookup', 'false or nothing beside a draft model', given.lookup)
  }
  const { sampling = {}, reasoning = {} } = given
  return {
    ...settled,
    sampling: parseFields<SamplingOptions>(sampling, samplingChecks, 'sampling'),
    reasoning: parseFields<ReasoningDefaults>(reasoning, budgetChecks, 'reasoning'),
  }
}
