import os from 'node:os'
import path from 'node:path'
import { binding } from '../binding/binding.js'
import type { NativeAddon, NativeEngineOptions, NativeModelInfo } from '../binding/native.js'
import { parseLoadOptions } from '../config/engine-options.js'
import { Engine } from './engine.js'
import { BinaryMissingError, CancelledError, ClosedError, type SluiceError } from './errors.js'
import { Session } from './session.js'
import type { EngineSettings, LoadOptions, ModelInfo } from './types.js'

type Settled = ReturnType<typeof parseLoadOptions>

/**
 * Loads a GGUF model, off the event loop. Weights are shared: a second engine on the same file
 * takes no second copy.
 *
 * Rejects with ERR_INVALID_OPTION, ERR_BINARY_MISSING, ERR_MODEL_NOT_FOUND, ERR_MODEL_INVALID,
 * ERR_OUT_OF_MEMORY, or ERR_CANCELLED when `signal` is aborted.
 */
export async function load(options: LoadOptions): Promise<Engine> {
  const settled = parseLoadOptions(options)
  if (settled.signal?.aborted) throw abortError(settled.signal)
  const addon = loadBinding()
  const native = nativeOptions(settled)
  return new Promise<Engine>((resolve, reject) => {
    let error: SluiceError = new ClosedError('the engine was closed while it loaded')
    let markClosed!: () => void
    const closed = new Promise<void>((settle) => {
      markClosed = settle
    })
    const onAbort = (): void => {
      error = abortError(settled.signal)
      session.close()
    }
    const session = new Session(addon, native, {
      onProgress: (fraction) => settled.onProgress?.(fraction),
      onReady: (info) => {
        settled.signal?.removeEventListener('abort', onAbort)
        if (settled.signal?.aborted) return // its `closed` follows
        resolve(makeEngine(session, settled, native, info, closed))
      },
      onLoadFailed: (failure) => {
        if (!settled.signal?.aborted) error = failure
      },
      onClosed: () => {
        settled.signal?.removeEventListener('abort', onAbort)
        markClosed()
        reject(error) // no effect on a load that succeeded
      },
    })
    settled.signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function abortError(signal: AbortSignal | undefined): CancelledError {
  return new CancelledError('loading was aborted by its signal', { cause: signal?.reason })
}

function loadBinding(): NativeAddon {
  try {
    return binding()
  } catch (cause) {
    throw new BinaryMissingError(
      `there is no native binary for ${process.platform}-${process.arch} that loads here; ` +
        'build it with: npx sluice build (needs cmake and a C++ compiler)',
      { cause },
    )
  }
}

function nativeOptions(settled: Settled): NativeEngineOptions {
  return {
    model: path.resolve(settled.model),
    parallel: settled.parallel,
    context: settled.context ?? 0,
    freeBytes: os.freemem(),
    kvType: settled.kvType,
    threads: settled.threads ?? 0,
    coresMax: os.availableParallelism(),
    gpuLayers: settled.gpuLayers,
    window: settled.window,
    queueDepthMax: settled.queue,
    queueDeadlineMs: settled.queueDeadlineMs,
  }
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
  }
  const settings: EngineSettings = {
    parallel: native.parallel,
    context: info.context,
    window: native.window,
    queue: native.queueDepthMax,
    queueDeadlineMs: native.queueDeadlineMs,
    threads: info.threads,
    gpuLayers: native.gpuLayers,
    kvType: native.kvType,
  }
  const defaults = settled.sampling ?? {}
  return new Engine({ session, model, settings, defaults, recommended: info.sampling, closed })
}
