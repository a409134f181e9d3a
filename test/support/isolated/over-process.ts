import type { EngineCrash } from '../../../src/api/isolation-types.js'
import type { NativeEngineOptions, NativeModelInfo } from '../../../src/binding/engine-port.js'
import type { NativeAddon } from '../../../src/binding/native.js'
import { ChildPort, type Prepares } from '../../../src/isolation/child-port.js'
import { FakeProcesses } from './fake-process.js'

export interface OverProcessOptions {
  readonly stallMs?: number
  /** As ChildPort has them. Default: the next process has the first one's context. */
  readonly again?: (settled: NativeModelInfo) => Partial<NativeEngineOptions>
  readonly identify?: () => Promise<string | undefined>
  readonly onCrash?: (crash: EngineCrash) => void
  readonly prepare?: Prepares
  /** Is given the processes of each engine that is made. */
  readonly onProcesses?: (processes: FakeProcesses) => void
}

/** An addon's Engine, each of which seems to have a process of its own. */
export function overProcess(
  Engine: NativeAddon['Engine'],
  {
    stallMs = 30_000,
    onCrash = () => undefined,
    again: changes = ({ context }) => ({ context }),
    prepare,
    identify,
    onProcesses,
  }: OverProcessOptions = {},
): NativeAddon['Engine'] {
  return class extends ChildPort {
    constructor(options: NativeEngineOptions, wake: () => void) {
      const processes = new FakeProcesses((own, wakeFar) => new Engine(own, wakeFar))
      onProcesses?.(processes)
      const { starts } = processes
      const again = (settled: NativeModelInfo) => ({ ...options, ...changes(settled) })
      const given = { file: '', folders: [], options, again, stallMs, onCrash, starts }
      const more = { ...(prepare && { prepare }), ...(identify && { identify }) }
      super({ ...given, ...more }, wake)
    }
  }
}
