import path from 'node:path'
import type { NativeEngineOptions, NativeModelInfo } from '../binding/native.js'
import { checkBudgetMessage } from '../config/chat-options.js'
import {
  parseLoadOptions,
  type SettledLoadOptions as Settled,
  usableSampling,
} from '../config/engine-options.js'
import { Engine } from './engine.js'
import { CancelledError, ClosedError, type EngineEndedError } from './errors.js'
import { loadBinding, nativeOptions } from './native-options.js'
import { placementOf } from './placement.js'
import { Session } from './session.js'
import type { EngineSettings, LoadOptions, ModelInfo } from './types.js'
import { tellWarning } from './warnings.js'

const mebibyte = 2 ** 20

/**
 * Loads a GGUF model, off the event loop. Weights are shared: a second engine on the same file
 * takes no second copy.
 *
 * Rejects with ERR_INVALID_OPTION, ERR_BINARY_MISSING, ERR_MODEL_NOT_FOUND, ERR_MODEL_INVALID,
 * ERR_GPU_UNAVAILABLE, ERR_OUT_OF_MEMORY, ERR_ENGINE_FAILED, ERR_CANCELLED when `signal` is
 * aborted, or with what `onProgress` or `onWarning` threw.
 */
export async function load(options: LoadOptions): Promise<Engine> {
  const settled = parseLoadOptions(options)
  if (settled.signal?.aborted) throw abortError(settled.signal)
  const addon = loadBinding()
  const native = nativeOptions(settled)
  return new Promise<Engine>((resolve, reject) => {
    let failure: unknown = new ClosedError('the engine was closed while it loaded')
    let markEnded!: (failure: EngineEndedError | undefined) => void
    const ended = new Promise<EngineEndedError | undefined>((settle) => {
      markEnded = settle
    })
    const giveUp = (reason: unknown): void => {
      failure = reason
      session.close()
    }
    const onAbort = (): void => giveUp(abortError(settled.signal))
    const session = new Session(addon, native, {
      onProgress: (fraction) => {
        try {
          if (!session.closed) settled.onProgress?.(fraction)
        } catch (error) {
          giveUp(error) // the caller's own: load() rejects with it
        }
      },
      onReady: (info) => {
        if (session.closed) return // given up: `closed` follows
        try {
          checkBudgetMessage(settled.reasoning.budgetMessage ?? '', info.thinkingEnds)
          for (const warning of info.warnings) tellWarning(warning, settled.onWarning)
          if (session.closed) return // whoever was warned gave up
          settled.signal?.removeEventListener('abort', onAbort)
          resolve(makeEngine(session, settled, native, info, ended))
        } catch (error) {
          giveUp(error)
        }
      },
      onEstimated: () => undefined, // nobody asked for it
      onLoadFailed: (error) => {
        if (!session.closed) failure = error
      },
      onClosed: (cause) => {
        settled.signal?.removeEventListener('abort', onAbort)
        markEnded(cause)
        reject(cause ?? failure) // no effect on a load that succeeded
      },
    })
    settled.signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function abortError(signal: AbortSignal | undefined): CancelledError {
  return new CancelledError('loading was aborted by its signal', { cause: signal?.reason })
}

function makeEngine(
  session: Session,
  settled: Settled,
  native: NativeEngineOptions,
  info: NativeModelInfo,
  ended: Promise<EngineEndedError | undefined>,
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
  const placement = placementOf(info)
  const settings: EngineSettings = {
    parallel: native.parallel,
    context: info.context,
    window: native.window,
    queue: native.queueDepthMax,
    queueDeadlineMs: native.queueDeadlineMs,
    threads: info.threads,
    poll: native.poll,
    priority: native.priority,
    gpu: placement.gpu,
    gpuLayers: placement.gpuLayers,
    kvType: native.kvType,
    flashAttention: settled.flashAttention,
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
  const { callFormat, warnings } = info
  const told = { model, settings, placement, warnings }
  return new Engine({ session, ...told, defaults, recommended, thinking, callFormat, ended })
}
