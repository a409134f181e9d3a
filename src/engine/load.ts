import os from 'node:os'
import path from 'node:path'
import { binding } from '../binding/binding.js'
import type { NativeAddon, NativeEngineOptions, NativeModelInfo } from '../binding/native.js'
import { BundledError } from '../binding/package-root.js'
import { platformName } from '../binding/platform.js'
import { checkBudgetMessage } from '../config/chat-options.js'
import { parseLoadOptions, usableSampling } from '../config/engine-options.js'
import { Engine } from './engine.js'
import { BinaryMissingError, CancelledError, ClosedError, EngineFailedError } from './errors.js'
import { Session } from './session.js'
import type { EngineSettings, LoadOptions, ModelInfo } from './types.js'

type Settled = ReturnType<typeof parseLoadOptions>

const mebibyte = 2 ** 20
/** As much as is taken for kept states without being asked. */
const cacheMiBMax = 2048

/**
 * Loads a GGUF model, off the event loop. Weights are shared: a second engine on the same file
 * takes no second copy.
 *
 * Rejects with ERR_INVALID_OPTION, ERR_BINARY_MISSING, ERR_MODEL_NOT_FOUND, ERR_MODEL_INVALID,
 * ERR_OUT_OF_MEMORY, ERR_ENGINE_FAILED, ERR_CANCELLED when `signal` is aborted, or with what
 * `onProgress` threw.
 */
export async function load(options: LoadOptions): Promise<Engine> {
  const settled = parseLoadOptions(options)
  if (settled.signal?.aborted) throw abortError(settled.signal)
  const addon = loadBinding()
  const native = nativeOptions(settled)
  return new Promise<Engine>((resolve, reject) => {
    let failure: unknown = new ClosedError('the engine was closed while it loaded')
    let markClosed!: () => void
    const closed = new Promise<void>((settle) => {
      markClosed = settle
    })
    const giveUp = (reason: unknown): void => {
      failure = reason
      session.close()
    }
    const onAbort = (): void => giveUp(abortError(settled.signal))
    const session = openSession(addon, native, {
      onProgress: (fraction) => {
        try {
          if (!session.closed) settled.onProgress?.(fraction)
        } catch (error) {
          giveUp(error) // the caller's own: load() rejects with it
        }
      },
      onReady: (info) => {
        settled.signal?.removeEventListener('abort', onAbort)
        if (session.closed) return // given up: `closed` follows
        try {
          checkBudgetMessage(settled.reasoning.budgetMessage ?? '', info.thinkingEnds)
          resolve(makeEngine(session, settled, native, info, closed))
        } catch (error) {
          giveUp(error)
        }
      },
      onLoadFailed: (error) => {
        if (!session.closed) failure = error
      },
      onClosed: () => {
        settled.signal?.removeEventListener('abort', onAbort)
        markClosed()
        reject(failure) // no effect on a load that succeeded
      },
    })
    settled.signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function openSession(...parts: ConstructorParameters<typeof Session>): Session {
  try {
    return new Session(...parts)
  } catch (cause) {
    throw new EngineFailedError(`the engine could not be started: ${String(cause)}`, { cause })
  }
}

function abortError(signal: AbortSignal | undefined): CancelledError {
  return new CancelledError('loading was aborted by its signal', { cause: signal?.reason })
}

function loadBinding(): NativeAddon {
  try {
    return binding()
  } catch (cause) {
    if (cause instanceof BundledError) throw new BinaryMissingError(cause.message, { cause })
    const looked = cause instanceof Error ? cause.message : String(cause)
    throw new BinaryMissingError(
      `there is no native binary for ${platformName()} that loads here; ` +
        `build it with: npx sluice build (needs cmake and a C++ compiler). Tried:\n${looked}`,
      { cause },
    )
  }
}

function nativeOptions(settled: Settled): NativeEngineOptions {
  const free = freeBytes()
  return {
    model: path.resolve(settled.model),
    parallel: settled.parallel,
    context: settled.context ?? 0,
    freeBytes: free,
    kvCells: settled.kvCells ?? 0,
    cacheBytes: (settled.cacheMiB ?? defaultCacheMiB(free)) * mebibyte,
    kvType: settled.kvType,
    threads: settled.threads ?? 0,
    coresMax: os.availableParallelism(),
    poll: settled.poll,
    priority: settled.priority,
    gpuLayers: settled.gpuLayers,
    chatTemplate: settled.chatTemplate ?? '',
    draft: settled.draft === undefined ? '' : path.resolve(settled.draft),
    lookup: settled.lookup,
    draftMax: settled.draftMax ?? 0,
    embeddings: embeddingUse(settled.embeddings),
    window: settled.window,
    queueDepthMax: settled.queue,
    queueDeadlineMs: settled.queueDeadlineMs,
  }
}

function embeddingUse(asked: boolean | undefined): NativeEngineOptions['embeddings'] {
  if (asked === undefined) return 'automatic'
  return asked ? 'always' : 'never'
}

function defaultCacheMiB(free: number): number {
  return Math.min(cacheMiBMax, Math.floor(free / 8 / mebibyte))
}

/** A container's limit counts, where Node knows of one. */
function freeBytes(): number {
  const available = process.availableMemory?.() ?? 0
  return available > 0 ? Math.min(os.freemem(), available) : os.freemem()
}

function makeEngine(
  session: Session,
  settled: Settled,
  native: NativeEngineOptions,
  info: NativeModelInfo,
  closed: Promise<void>,
): Engine {
  const id = path.basename(native.model).replace(/\.gguf$/i, '')
  const model: ModelInfo = {
    id,
    name: info.name === '' ? id : info.name,
    description: info.description,
    parameters: info.parameters,
    bytes: info.bytes,
    trainedContext: info.trainedContext,
    vocabulary: info.vocabulary,
    hasChatTemplate: info.hasChatTemplate,
    canInfill: info.canInfill,
    canCallTools: info.callFormat !== 'none',
    canThink: info.thinkingEnds.length > 0,
    ...(info.embedding === undefined ? {} : { embedding: info.embedding }),
  }
  const settings: EngineSettings = {
    parallel: native.parallel,
    context: info.context,
    window: native.window,
    queue: native.queueDepthMax,
    queueDeadlineMs: native.queueDeadlineMs,
    threads: info.threads,
    poll: native.poll,
    priority: native.priority,
    gpuLayers: native.gpuLayers,
    kvType: native.kvType,
    kvCells: native.kvCells,
    cacheMiB: native.cacheBytes / mebibyte,
    draft: native.draft === '' ? null : native.draft,
    lookup: native.lookup,
    draftMax: native.draftMax,
    reasoningBudget: settled.reasoning.budget ?? -1,
  }
  const defaults = settled.sampling
  const recommended = usableSampling(info.sampling)
  const thinking = { ends: info.thinkingEnds, defaults: settled.reasoning }
  const { callFormat } = info
  const parts = { session, model, settings, defaults, recommended, thinking, callFormat, closed }
  return new Engine(parts)
}
