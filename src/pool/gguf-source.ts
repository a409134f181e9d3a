import fs from 'node:fs/promises'
import path from 'node:path'
import { abilityOf } from '../api/ability.js'
import type { KnownModel, PooledModelOptions } from '../api/models-types.js'
import type { Estimate } from '../api/placement-types.js'
import { isUrl } from '../api/realms.js'
import type { LoadOptions } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import { estimate } from '../engine/estimate.js'
import { load } from '../engine/load.js'
import { sumOf } from '../engine/placement.js'
import { withCachedFiles } from '../engine/pull/cached-files.js'
import { loadDefaults } from '../options/engine-options.js'
import type { Source } from './pool-types.js'
import type { ModelBytes } from './room.js'

const mebibyte = 2 ** 20
/** Tokens of a context where none is asked for and the model was trained on more. */
const contextUsual = 8192
/** A shorter one is no help where the rest does not fit. */
const contextLeast = 512
/**
 * What an engine takes beyond llama.cpp's buffers: vocabulary, logits, threads, and what the
 * allocator keeps.
 */
const overheadBytes = 24 * mebibyte
/** Of states that wait to be written to `cacheDir`, or were read (native/engine/engine.cpp). */
const onTheirWayBytes = 256 * mebibyte

interface Share {
  /** Of all models together. */
  readonly budgetBytes: number
  /** MiB for kept states, where the model's options say nothing. */
  readonly cacheMiB: number
}

/** What was found out of a model's files, for as long as they are these. */
interface Measured {
  readonly files: string
  readonly settled: LoadOptions
}

/** Who is told of its engines. */
type Told = Required<Pick<LoadOptions, 'onWarning' | 'onCrash'>>

/** The GGUF file of a pool's model. What an engine takes is settled once, by its first estimate. */
export class GgufSource implements Source<Engine> {
  readonly name: string
  readonly queueMax: number
  readonly queueDeadlineMs: number
  readonly workers: readonly string[]
  readonly #options: LoadOptions
  readonly #share: Share
  readonly #told: Told
  #known: KnownModel | undefined
  #measured: Measured | undefined

  constructor(
    name: string,
    { aliases: _, ...options }: PooledModelOptions,
    share: Share,
    told: Told,
  ) {
    this.name = name
    this.#options = options
    this.#share = share
    this.#told = told
    const { parallel, queue, queueDeadlineMs } = { ...loadDefaults, ...options }
    this.queueMax = parallel + queue
    this.queueDeadlineMs = queueDeadlineMs
    this.workers = options.rpc ?? []
  }

  /** Undefined before it was measured. */
  get known(): KnownModel | undefined {
    return this.#known
  }

  /** Paths without links. None where one of its files is a name of the Hub and not in the cache. */
  async files(): Promise<string[]> {
    const options = await withCachedFiles(this.#options).catch(() => undefined)
    if (options === undefined) return []
    const { model, draft } = options
    const given = [model, draft, ...loraFiles(options)].filter((file) => file !== undefined)
    return Promise.all(given.map(realFile))
  }

  async hasChanged(): Promise<boolean> {
    if (this.#measured === undefined) return false
    const { files, options } = await filesOf(this.#options)
    const { settled } = this.#measured
    const isMoved = options.model !== settled.model || options.draft !== settled.draft
    return isMoved || files !== this.#measured.files
  }

  async measure(signal: AbortSignal): Promise<ModelBytes> {
    // Its files are settled too: a load never downloads, whatever became of the cache meanwhile.
    const { options, files } = await filesOf(this.#options)
    const found = await this.#fitting(options, signal)
    const cacheMiB = this.#cacheMiB(found)
    const bytes = { file: sharedBy(this.name, files, options, found), ...this.#bytesOf(found) }
    // The same each time, however much memory is free when it is loaded.
    this.#measured = { files, settled: { ...options, context: found.context, cacheMiB } }
    this.#known = { model: found.model, context: found.context }
    return bytes
  }

  async open(signal: AbortSignal): Promise<Engine> {
    const settled = this.#measured?.settled
    const engine = await load({ ...settled, signal, ...this.#told })
    this.#known = { model: engine.model, context: engine.settings.context }
    return engine
  }

  /**
   * What a load comes to. Where no context is asked for, it has the usual one, or the longest of
   * its halves with which the model fits into the budget.
   */
  async #fitting(options: LoadOptions, signal: AbortSignal): Promise<Estimate> {
    const first = await estimate({ ...options, signal })
    if (options.context !== undefined || abilityOf(first.model) !== 'text') return first
    const usual = Math.min(first.model.trainedContext, contextUsual)
    const withContext = (context: number) => estimate({ ...options, context, signal })
    let found = first.context === usual ? first : await withContext(usual)
    while (this.#isTooLarge(found) && found.context >= 2 * contextLeast) {
      found = await withContext(Math.floor(found.context / 2))
    }
    return found
  }

  #isTooLarge(found: Estimate): boolean {
    const { weights, other } = this.#bytesOf(found)
    return weights + other > this.#share.budgetBytes
  }

  /** Of the system's memory: what is on a GPU takes none of it. */
  #bytesOf(found: Estimate): Omit<ModelBytes, 'file'> {
    const { weightsBytes: weights } = found.placement.host
    const keepsOnDisk = this.#options.cacheDir !== undefined && abilityOf(found.model) === 'text'
    const states = this.#cacheMiB(found) * mebibyte + (keepsOnDisk ? onTheirWayBytes : 0)
    return { weights, other: sumOf(found.placement.host) - weights + states + overheadBytes }
  }

  /** An engine that embeds or ranks keeps no states. */
  #cacheMiB({ model }: Estimate): number {
    if (abilityOf(model) !== 'text') return 0
    return this.#options.cacheMiB ?? this.#share.cacheMiB
  }
}

/**
 * What two models have to have in common to share weights. Copied ones are shared by the same file,
 * placed in the same way (native/llama/model-store.h); mapped ones by the file alone, which here
 * counts for too much where the placement differs. An engine in a process of its own, as one with
 * workers is, shares none that are copied: all of its weights count as its own.
 */
function sharedBy(
  name: string,
  files: string,
  options: LoadOptions,
  { placement }: Estimate,
): string {
  const { isolation, rpc } = options
  if (isolation === 'process' || rpc !== undefined) return JSON.stringify([files, name])
  const { gpu, gpuLayers, splitMode, mainGpu, tensorSplit, mtp } = options
  const asked = [gpu, gpuLayers, splitMode, mainGpu, tensorSplit, mtp]
  const devices = placement.devices.map(({ name }) => name)
  return JSON.stringify([files, asked, placement.gpuLayers, devices])
}

/** The options with paths for names of the Hub, and what tells their files from others. */
async function filesOf(asked: LoadOptions): Promise<{ options: LoadOptions; files: string }> {
  const options = await withCachedFiles(asked)
  const keys = await Promise.all([options.model, options.draft, ...loraFiles(options)].map(fileKey))
  return { options, files: JSON.stringify(keys) }
}

function loraFiles({ lora = {} }: LoadOptions): (string | URL)[] {
  return Object.values(lora).map((one) => {
    return typeof one === 'string' || isUrl(one) ? one : one.file
  })
}

async function realFile(file: string | URL): Promise<string> {
  const resolved = path.resolve(`${file}`)
  return fs.realpath(resolved).catch(() => resolved)
}

/** A file that was replaced is another one, though its path is the same. */
async function fileKey(file: string | URL | undefined): Promise<unknown> {
  if (file === undefined) return undefined
  const resolved = path.resolve(`${file}`)
  try {
    const { size, mtimeNs } = await fs.stat(resolved, { bigint: true })
    return [await fs.realpath(resolved), `${size}`, `${mtimeNs}`]
  } catch {
    return resolved // its load says what is wrong
  }
}
