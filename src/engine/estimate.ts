import { EngineFailedError } from '../api/errors.js'
import type { Estimate } from '../api/placement-types.js'
import type { EstimateOptions, LoadOptions } from '../api/types.js'
import { embeddedModel } from '../binding/embedded-model.js'
import type { NativeEngineOptions, NativeEstimate } from '../binding/engine-port.js'
import { parseEstimateOptions } from '../options/engine-options.js'
import { abortedBy, onAbort } from './abort-signals.js'
import { fromCaller } from './call-site.js'
import { EngineClient } from './engine-client.js'
import { isolatedEngine } from './isolated/isolated-engine.js'
import { modelId } from './model-id.js'
import { loadBinding, nativeOptions } from './native-options.js'
import { bytesOf, placementOf } from './placement.js'
import { withCachedFiles } from './pull/cached-files.js'

/**
 * Says what `load` would need and choose, without loading any weights: the file's header and
 * vocabulary are read, and llama.cpp's buffers counted. Takes milliseconds to a second or two, off
 * the event loop; on a machine with a GPU it starts the devices. Takes the path of a file or a
 * `file:` URL, a model of the Hub that is in the cache, or `load`'s options with the `model` among
 * them; without, it is the embedded model.
 *
 * Rejects as `load` does, but for what does not fit: then `fits` is false. ERR_OUT_OF_MEMORY comes
 * only of a GPU that is named and has no room for a single layer, or for those of `gpuLayers`.
 *
 * @example
 * ```js
 * import { estimate } from 'sluice'
 *
 * const { fits, totalBytes, freeBytes } = await estimate({ context: 4096, parallel: 8 })
 * ```
 */
export async function estimate(
  file?: string | URL | (EstimateOptions & Pick<LoadOptions, 'model'>),
  options: EstimateOptions = {},
): Promise<Estimate> {
  return fromCaller(() => estimateModel(file, options))
}

async function estimateModel(given: unknown, options: EstimateOptions): Promise<Estimate> {
  const asked = parseEstimateOptions(given, options, embeddedModel)
  const { signal } = asked
  const checkSignal = () => {
    if (signal?.aborted) throw abortedBy(signal, 'the estimate was aborted')
  }
  checkSignal()
  const settled = await withCachedFiles(asked)
  checkSignal()
  const addon = loadBinding()
  const native: NativeEngineOptions = { ...nativeOptions(settled, addon), estimatesOnly: true }
  return new Promise<Estimate>((resolve, reject) => {
    let failure: unknown = new EngineFailedError('the estimate ended without a result')
    // ggml ends the process where a worker is lost: not this one.
    const open = (wake: () => void) => {
      if (settled.rpc.length === 0) return new addon.Engine(native, wake)
      return isolatedEngine(native, addon, settled, wake)
    }
    const client = new EngineClient(open, settled, {
      onProgress: () => undefined, // no weights are loaded
      onReady: () => undefined,
      onEstimated: (found) => {
        if (!client.closed) resolve(estimateOf(found, native))
      },
      onLoadFailed: (error) => {
        if (!client.closed) failure = error
      },
      onClosed: () => {
        rest()
        reject(failure) // no effect on one that is resolved
      },
    })
    const rest = onAbort(signal, () => {
      failure = abortedBy(signal, 'the estimate was aborted')
      client.close()
    })
  })
}

function estimateOf(found: NativeEstimate, native: NativeEngineOptions): Estimate {
  const { name, description, parameters, bytes, trainedContext, embedding } = found
  const { hasChatTemplate, canInfill, callFormat, reasoningEnds } = found
  const placement = placementOf(found)
  return {
    model: {
      name: name === '' ? modelId(native.model) : name,
      description,
      parameters,
      bytes,
      trainedContext,
      hasChatTemplate,
      canInfill,
      canCallTools: callFormat !== 'none',
      canThink: reasoningEnds.length > 0,
      ...(embedding === undefined ? {} : { embedding }),
    },
    parallel: native.parallel,
    context: found.context,
    kvType: native.kvType,
    placement,
    totalBytes: bytesOf(placement),
    freeBytes: found.freeBytes,
    fits: found.fits,
    warnings: found.warnings,
  }
}
