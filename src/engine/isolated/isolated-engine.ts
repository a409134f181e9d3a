import path from 'node:path'
import { WorkerUnavailableError } from '../../api/errors.js'
import type { EngineCrash } from '../../api/isolation-types.js'
import { bindingPlace } from '../../binding/binding.js'
import type { EnginePort, NativeEngineOptions, NativeModelInfo } from '../../binding/engine-port.js'
import type { NativeAddon } from '../../binding/native.js'
import { packageRoot } from '../../binding/package-root.js'
import { ChildPort, type Prepares, Unprepared } from '../../isolation/child-port.js'
import { startsChild } from '../../isolation/engine-process.js'
import { sampleOf } from '../../isolation/same-model.js'
import { findWorkers, waitForWorkers } from '../../workers/find-workers.js'
import { guarded } from '../callbacks.js'
import { freeBytes } from '../machine.js'

interface IsolationOptions {
  readonly engineStallMs: number
  /** Machines that compute a part. */
  readonly rpc: readonly string[]
  readonly rpcWaitMs: number
  readonly onCrash?: (crash: EngineCrash) => void
}

/** An engine in a process of its own. The addon is the one that this process has found. */
export function isolatedEngine(
  native: NativeEngineOptions,
  addon: NativeAddon,
  { engineStallMs: stallMs, onCrash = warnOfCrash, rpc, rpcWaitMs }: IsolationOptions,
  wake: () => void,
): EnginePort {
  const again = (settled: NativeModelInfo) => settledOptions(native, settled, addon)
  const given = {
    ...bindingPlace(),
    ...(rpc.length === 0 ? {} : { prepare: withWorkers({ rpc, rpcWaitMs }, addon.rpcVersion) }),
    options: native,
    again,
    identify: () => sampleOf(filesOf(native)),
    stallMs,
    onCrash: guarded('onCrash', onCrash),
    starts: startsChild(path.join(packageRoot(), 'dist/isolation/child.cjs')),
  }
  return new ChildPort(given, wake)
}

/** A worker that was lost is waited for; one that never was there is not. */
function withWorkers(
  { rpc, rpcWaitMs: waitMs }: Pick<IsolationOptions, 'rpc' | 'rpcWaitMs'>,
  version: string,
): Prepares {
  return async (options, isAgain, signal) => {
    const asked = { version, signal, waitMs }
    try {
      const found = await (isAgain ? waitForWorkers : findWorkers)(rpc, asked)
      return { ...options, workers: found.map(({ endpoint }) => endpoint) }
    } catch (error) {
      if (!(error instanceof WorkerUnavailableError)) throw error
      throw new Unprepared('ERR_WORKER_UNAVAILABLE', error.message)
    }
  }
}

function filesOf({ model, draft, adapters }: NativeEngineOptions): string[] {
  return [model, draft, ...adapters].filter((file) => file !== '')
}

/**
 * The same engine once more, however much memory is free by then: it is asked for each time, since
 * a process that lives has some of what it needs itself.
 */
function settledOptions(
  native: NativeEngineOptions,
  { context, cacheBytes, placement }: NativeModelInfo,
  addon: NativeAddon,
): NativeEngineOptions {
  const { gpuLayers } = placement
  return { ...native, context, cacheBytes, gpuLayers, freeBytes: freeBytes(addon) }
}

function warnOfCrash({ message, failed, kept, retryMs }: EngineCrash): void {
  const then = retryMs === undefined ? 'the engine ends' : 'another one is started'
  process.emitWarning(`${message}; ${failed} requests fail, ${kept} go on, ${then}`, {
    type: 'SluiceWarning',
    code: 'SLUICE_CRASH',
  })
}
