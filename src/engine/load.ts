import { ClosedError, type EngineEndedError } from '../api/errors.js'
import type { EngineSettings, LoadOptions, ModelInfo } from '../api/types.js'
import { embeddedModel } from '../binding/embedded-model.js'
import type { NativeEngineOptions, NativeModelInfo } from '../binding/engine-port.js'
import { checkBudgetMessage } from '../options/chat-options.js'
import {
  parseLoadOptions,
  type SettledLoadOptions as Settled,
  usableSampling,
} from '../options/engine-options.js'
import { abortedBy, onAbort } from './abort-signals.js'
import { fromCaller } from './call-site.js'
import { guarded } from './callbacks.js'
import { Deferred } from './deferred.js'
import { Engine } from './engine.js'
import { EngineClient } from './engine-client.js'
import { isolatedEngine } from './isolated/isolated-engine.js'
import { modelId } from './model-id.js'
import { loadBinding, nativeOptions } from './native-options.js'
import { samplingOf } from './native-request.js'
import { placementOf } from './placement.js'
import { isOfHub, withFiles } from './pull/cached-files.js'
import { tellWarning } from './warnings.js'

const mebibyte = 2 ** 20

/**
 * Loads a GGUF model, off the event loop; without options the small one that comes with the
 * package. Weights are shared: a second engine on the same file takes no second copy.
 *
 * Rejects with ERR_INVALID_OPTION, ERR_BINARY_MISSING, ERR_MODEL_NOT_FOUND, ERR_MODEL_INVALID,
 * ERR_GPU_UNAVAILABLE, ERR_OUT_OF_MEMORY, ERR_ENGINE_FAILED, ERR_ENGINE_CRASHED with `isolation`,
 * ERR_WORKER_UNAVAILABLE with `rpc`, ERR_PULL_FAILED of a model of the Hub, or ERR_CANCELLED when
 * `signal` is aborted. What `onProgress`, `onPull` or `onWarning` throws ends nothing: it becomes a
 * process warning.
 *
 * @example
 * ```js
 * import { load } from 'sluice'
 *
 * const engine = await load() // or load({ model: 'path/of/a/model.gguf' })
 * console.log(await engine.complete('Once upon a time', { maxTokens: 40 }).text())
 * await engine.close()
 * ```
 */
export async function load(options: LoadOptions = {}): Promise<Engine> {
  return fromCaller(() => loadEngine(options))
}

async function loadEngine(options: LoadOptions): Promise<Engine> {
  const asked = parseLoadOptions(options, embeddedModel)
  const checkSignal = () => {
    if (asked.signal?.aborted) throw abortedBy(asked.signal, 'loading was aborted')
  }
  checkSignal()
  const addon = loadBinding()
  const hasHubName = isOfHub(asked.model) || isOfHub(asked.draft)
  const settled = hasHubName ? await withHubFiles(asked) : asked
  checkSignal()
  const native = nativeOptions(settled, addon)
  return new Promise<Engine>((resolve, reject) => {
    let failure: unknown = new ClosedError('the engine was closed while it loaded')
    const ended = new Deferred<EngineEndedError | undefined>()
    const giveUp = (reason: unknown): void => {
      failure = reason
      client.close()
    }
    const { onProgress = () => undefined, onWarning } = settled
    const tellProgress = guarded('onProgress', onProgress)
    const warn = onWarning && guarded('onWarning', onWarning)
    const open = (wake: () => void) => {
      if (settled.isolation === 'none') return new addon.Engine(native, wake)
      return isolatedEngine(native, addon, settled, wake)
    }
    const client = new EngineClient(open, settled, {
      onProgress: (fraction) => {
        if (!client.closed) tellProgress(fraction)
      },
      onReady: (info) => {
        if (client.closed) return // given up: `closed` follows
        try {
          checkBudgetMessage(settled.reasoning.budgetMessage ?? '', info.reasoningEnds)
          for (const warning of info.warnings) tellWarning(warning, warn)
          if (client.closed) return // the callback has closed it
          rest()
          resolve(makeEngine(client, settled, native, info, ended.promise))
        } catch (error) {
          giveUp(error)
        }
      },
      onEstimated: () => undefined, // not asked for
      onLoadFailed: (error) => {
        if (!client.closed) failure = error
      },
      onWarning: (warning) => tellWarning(warning, warn),
      onClosed: (cause) => {
        rest()
        ended.resolve(cause)
        reject(cause ?? failure) // no effect on a load that succeeded
      },
    })
    const rest = onAbort(settled.signal, () =>
      giveUp(abortedBy(settled.signal, 'loading was aborted')),
    )
  })
}

/** The same with paths, once the models are in the cache. */
async function withHubFiles(asked: Settled): Promise<Settled> {
  const { hubFile } = await import('./pull/hub-file.js')
  const { onPull = () => undefined, signal } = asked
  const tell = guarded('onPull', onPull)
  return withFiles(asked, (name) => hubFile(name, tell, signal))
}

function makeEngine(
  client: EngineClient,
  settled: Settled,
  native: NativeEngineOptions,
  info: NativeModelInfo,
  ended: Promise<EngineEndedError | undefined>,
): Engine {
  const id = modelId(native.model)
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
    canThink: info.reasoningEnds.length > 0,
    ...(info.embedding === undefined ? {} : { embedding: info.embedding }),
  }
  const placement = placementOf(info)
  const settings: EngineSettings = {
    parallel: native.parallel,
    context: info.context,
    window: native.window,
    queue: settled.queue,
    queueDeadlineMs: native.queueDeadlineMs,
    threads: info.threads,
    poll: native.poll,
    priority: native.priority,
    gpu: placement.gpu,
    gpuLayers: placement.gpuLayers,
    kvType: native.kvType,
    flashAttention: settled.flashAttention,
    kvCells: native.kvCells,
    cacheMiB: info.cacheBytes / mebibyte,
    cacheDir: native.cacheDir === '' ? null : native.cacheDir,
    cacheDiskGiB: settled.cacheDiskGiB,
    draft: native.draft === '' ? null : native.draft,
    lora: settled.lora.map((one, i) => ({ ...one, file: native.adapters[i] ?? one.file })),
    lookup: native.lookup,
    mtp: native.mtp,
    draftMax: native.draftMax,
    isolation: settled.isolation,
    rpc: settled.rpc,
    reasoningBudget: settled.reasoning.budget ?? -1,
    toolsFallback: native.toolsFallback,
    toolsMax: settled.toolsMax,
    toolBytesMax: settled.toolBytesMax,
    toolWorkMax: settled.toolWorkMax,
    sampling: samplingOf(settled.sampling, usableSampling(info.sampling)),
  }
  const defaults = settled.sampling
  const recommended = usableSampling(info.sampling)
  const reasoning = { ends: info.reasoningEnds, defaults: settled.reasoning }
  const { callFormat, warnings } = info
  const told = { model, settings, placement, warnings }
  return new Engine({ client, ...told, defaults, recommended, reasoning, callFormat, ended })
}
