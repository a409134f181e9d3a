import path from 'node:path'
import type { EngineCrash } from '../../api/isolation-types.js'
import { bindingPlace } from '../../binding/binding.js'
import type { EnginePort, NativeEngineOptions, NativeModelInfo } from '../../binding/engine-port.js'
import type { NativeAddon } from '../../binding/native.js'
import { packageRoot } from '../../binding/package-root.js'
import { ChildPort } from '../../isolation/child-port.js'
import { startsChild } from '../../isolation/engine-process.js'
import { guarded } from '../callbacks.js'
import { freeBytes } from '../machine.js'

interface IsolationOptions {
  readonly engineStallMs: number
  readonly onCrash?: (crash: EngineCrash) => void
}

/** An engine in a process of its own. The addon is the one that this process has found. */
export function isolatedEngine(
  native: NativeEngineOptions,
  addon: NativeAddon,
  { engineStallMs: stallMs, onCrash = warnOfCrash }: IsolationOptions,
  wake: () => void,
): EnginePort {
  const again = (settled: NativeModelInfo) => settledOptions(native, settled, addon)
  const given = {
    ...bindingPlace(),
    options: native,
    again,
    stallMs,
    onCrash: guarded('onCrash', onCrash),
    starts: startsChild(path.join(packageRoot(), 'dist/isolation/child.cjs')),
  }
  return new ChildPort(given, wake)
}

/** The same engine once more, however much memory is free by then. */
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
