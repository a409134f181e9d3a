import type { AdapterSettings } from '../api/lora-types.js'
import { isUrl } from '../api/realms.js'
import { perSamplingName, type SamplingOptions, samplingRows } from '../api/sampling-options.js'
import type { EstimateOptions, LoadOptions, ReasoningDefaults } from '../api/types.js'
import {
  abortSignal,
  aFunction,
  type Check,
  type Checks,
  check,
  demand,
  fieldsOf,
  fileLocation,
  folderPath,
  int32Max,
  integerFrom,
  isNumber,
  isObject,
  milliseconds,
  numberFrom,
  numeric,
  oneOf,
  parseFields,
  readable,
  trueOrFalse,
  within,
  wrong,
} from './checks.js'
import { hubNameForm, isHubName, parseHubName } from './hub-name.js'
import { adapterSettings, adapters } from './lora-options.js'
import { workerNames } from './worker-names.js'

/** What the tools of one request may come to: see LoadOptions. */
export interface ToolLimits {
  readonly toolsMax: number
  readonly toolBytesMax: number
  readonly toolWorkMax: number
}

export const toolLimitDefaults: ToolLimits = {
  toolsMax: 1024,
  toolBytesMax: 2 ** 20,
  toolWorkMax: 10_000,
}

/** As many sequences as llama.cpp has. */
export const parallelMax = 256
const templateBytesMax = 2 ** 20
const budgetMessageBytesMax = 1024

/** Shared with requests: each may be a default of the engine and a request's own. */
export const samplingChecks: Checks<SamplingOptions> = {
  ...perSamplingName((name) => within(samplingRows[name].range)),
  seed: numeric('a whole number that JavaScript holds exactly', Number.isSafeInteger),
}

/** Shared with requests in the same way. */
export const budgetChecks: Checks<ReasoningDefaults> = {
  enabled: trueOrFalse,
  budget: integerFrom(-1, int32Max),
  budgetMessage: check(`a string of at most ${budgetMessageBytesMax} bytes`, (value) => {
    return typeof value === 'string' && Buffer.byteLength(value) <= budgetMessageBytesMax
  }),
}

const gpuNames = ['auto', 'cuda', 'vulkan', 'metal'] as const
/** As llama.cpp has them. */
const devicesMax = 16

const tensorSplit: Check<readonly number[]> = {
  ...check<readonly number[]>(
    `1 to ${devicesMax} numbers from 0 on, not all of them 0`,
    (value) => {
      if (!Array.isArray(value) || value.length === 0 || value.length > devicesMax) return false
      const shares: unknown[] = Array.from(value) // every() would pass over holes
      // The engine has them as floats, in which the smallest are 0.
      return (
        shares.every((share) => isNumber(share, 0, 1e9)) &&
        shares.some((share) => Math.fround(share as number) > 0)
      )
    },
  ),
  read: (value) => [...value],
}

/** A file, or a model of the Hugging Face Hub. */
const modelLocation: Check<string | URL> = {
  ...fileLocation,
  expected: `the path of a file, a file: URL object, or ${hubNameForm}`,
  accepts: (value): value is string | URL => {
    if (typeof value !== 'string' || !isHubName(value)) return fileLocation.accepts(value)
    return parseHubName(value) !== undefined
  },
}

export const loadChecks: Checks<LoadOptions> = {
  model: modelLocation,
  parallel: integerFrom(1, parallelMax),
  context: integerFrom(32, 2 ** 24),
  window: integerFrom(1, 65_536),
  queue: integerFrom(0, 65_536),
  queueDeadlineMs: milliseconds,
  threads: integerFrom(1, 512),
  poll: integerFrom(0, 100),
  priority: oneOf('low', 'normal', 'medium', 'high', 'realtime'),
  gpu: check(`${gpuNames.map((name) => `"${name}"`).join(', ')} or false`, (value) => {
    return value === false || gpuNames.includes(value as (typeof gpuNames)[number])
  }),
  gpuLayers: integerFrom(-1, 65_536),
  splitMode: oneOf('none', 'layer'),
  mainGpu: integerFrom(0, devicesMax - 1),
  tensorSplit,
  rpc: workerNames,
  rpcWaitMs: milliseconds,
  kvType: oneOf('f16', 'bf16', 'q8_0', 'q4_0'),
  flashAttention: check('"auto", true or false', (value) => {
    return value === 'auto' || typeof value === 'boolean'
  }),
  kvCells: integerFrom(32, 2 ** 30),
  cacheMiB: integerFrom(0, 2 ** 20),
  cacheDir: folderPath,
  cacheDiskGiB: numberFrom(0.001, 2 ** 20),
  chatTemplate: check(`a template of 1 to ${templateBytesMax} bytes`, (value) => {
    return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= templateBytesMax
  }),
  toolsFallback: trueOrFalse,
  toolsMax: integerFrom(1, 65_536),
  toolBytesMax: integerFrom(1, 2 ** 26),
  toolWorkMax: integerFrom(1, 2 ** 20),
  draft: modelLocation,
  lora: adapters,
  lookup: trueOrFalse,
  mtp: trueOrFalse,
  draftMax: integerFrom(1, 16),
  embeddings: trueOrFalse,
  isolation: oneOf('none', 'process'),
  engineStallMs: milliseconds,
  sampling: fieldsOf(samplingChecks),
  reasoning: fieldsOf(budgetChecks),
  onProgress: aFunction,
  onPull: aFunction,
  onWarning: aFunction,
  onCrash: aFunction,
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
  gpu: 'auto' as const,
  gpuLayers: -1,
  cacheDiskGiB: 10,
  kvType: 'f16' as const,
  flashAttention: 'auto' as const,
  lookup: false,
  mtp: false,
  toolsFallback: false,
  rpcWaitMs: 60_000,
  engineStallMs: 30_000,
  ...toolLimitDefaults,
}

/** What always holds something, though no default alone says what. */
type Settles = 'rpc' | 'isolation' | 'sampling' | 'reasoning'

export type SettledLoadOptions = Omit<LoadOptions, 'model' | 'draft' | 'lora'> &
  Required<Pick<LoadOptions, keyof typeof loadDefaults | Settles>> & {
    /** Paths. */
    readonly model: string
    readonly draft?: string
    readonly lora: readonly AdapterSettings[]
  }

/** What a file recommends, as far as a request might ask for it. */
export function usableSampling(recommended: SamplingOptions): SamplingOptions {
  const usable = Object.entries(recommended).filter(([key, value]) => {
    return samplingChecks[key as keyof SamplingOptions]?.accepts(value)
  })
  return Object.fromEntries(usable)
}

/** As `loadChecks` reads them: locations of files are paths. */
type ReadLoadOptions = Omit<LoadOptions, 'model' | 'draft'> & {
  readonly model?: string
  readonly draft?: string
}

/**
 * @param embedded path of the model for where none is given
 * @throws InvalidOptionError, with the option's path, for example `sampling.temperature`
 */
export function parseLoadOptions(input: unknown, embedded: string): SettledLoadOptions {
  const given = parseFields<LoadOptions>(input, loadChecks) as ReadLoadOptions
  const settled = { ...loadDefaults, model: embedded, ...given }
  if (given.kvCells !== undefined && given.kvCells < (given.context ?? 0)) {
    throw wrong('kvCells', `a whole number from ${given.context} (context) on`, given.kvCells)
  }
  if (given.draft !== undefined && given.lookup === true) {
    throw wrong('lookup', 'false or nothing beside a draft model', given.lookup)
  }
  if (given.mtp === true && (given.draft !== undefined || given.lookup === true)) {
    throw wrong('mtp', 'false or nothing beside draft or lookup', given.mtp)
  }
  checkPlacement(given)
  const { sampling = {}, reasoning = {}, rpc = [] } = given
  const isolation = isolationOf(given)
  return { ...settled, lora: adapterSettings(given.lora), sampling, reasoning, rpc, isolation }
}

/** ggml ends the process where a worker is lost. */
function isolationOf({ rpc, isolation, gpuLayers }: ReadLoadOptions): 'none' | 'process' {
  if (rpc === undefined) return isolation ?? 'none'
  if (isolation === 'none') throw wrong('isolation', '"process" or nothing with rpc', isolation)
  if (gpuLayers === 0) throw wrong('gpuLayers', '1 or more, or nothing, with rpc', gpuLayers)
  return 'process'
}

/**
 * @param file of the model; undefined is the embedded one; or the options, the model among them
 * @throws InvalidOptionError, with the option's name; `file` is for the path of the model
 */
export function parseEstimateOptions(
  file: unknown,
  input: unknown,
  embedded: string,
): SettledLoadOptions {
  const { onProgress: _, onWarning: __, onPull: ___, onCrash: ____, ...others } = loadChecks
  const { model: _____, ...checks } = others
  const given = parseFields<EstimateOptions>(input, checks)
  const isOptions = readable('file', modelLocation.expected, () => isObject(file) && !isUrl(file))
  if (isOptions) {
    const options = parseFields<
      Omit<LoadOptions, 'onProgress' | 'onPull' | 'onWarning' | 'onCrash'>
    >(file, {
      ...checks,
      model: modelLocation,
    })
    return parseLoadOptions({ ...options, ...given }, embedded)
  }
  const model = file === undefined ? embedded : demand('file', file, modelLocation)
  return parseLoadOptions({ ...given, model }, embedded)
}

/** What only goes together, or does not. */
function checkPlacement(given: ReadLoadOptions): void {
  const { gpu, gpuLayers, splitMode, mainGpu, tensorSplit, kvType, flashAttention } = given
  if (gpu === false && gpuLayers !== undefined && gpuLayers > 0) {
    throw wrong('gpuLayers', '0 or nothing with gpu false', gpuLayers)
  }
  const shares = splitMode === 'layer' || tensorSplit !== undefined
  if (mainGpu !== undefined && shares) {
    throw wrong('mainGpu', 'nothing where several GPUs share the model', mainGpu)
  }
  if (tensorSplit !== undefined && splitMode === 'none') {
    throw wrong('tensorSplit', 'nothing with splitMode "none"', tensorSplit)
  }
  const isQuantized = kvType === 'q8_0' || kvType === 'q4_0'
  if (isQuantized && flashAttention === false) {
    throw wrong('kvType', '"f16" or "bf16" without flash attention', kvType)
  }
}
