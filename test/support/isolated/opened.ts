import type { EngineCrash } from '../../../src/api/isolation-types.js'
import type { LoadOptions } from '../../../src/api/types.js'
import { useBinding } from '../../../src/binding/binding.js'
import type { Engine } from '../../../src/engine/engine.js'
import { load } from '../../../src/engine/load.js'
import { eventually, settle } from '../eventually.js'
import { FakeAddon, type FakeOptions } from '../fake-binding.js'
import { counting } from '../serve.js'
import type { FakeProcesses } from './fake-process.js'
import { type OverProcessOptions, overProcess } from './over-process.js'

/** A fake engine that seems to have a process of its own. */
export interface Opened {
  readonly addon: FakeAddon
  readonly engine: Engine
  readonly processes: FakeProcesses
  readonly crashes: readonly EngineCrash[]
}

interface Given {
  readonly fake?: FakeOptions
  readonly over?: OverProcessOptions
  readonly load?: LoadOptions
}

/** Loaded. Its test calls `useBinding(undefined)` at its end. */
export async function opened({ fake = {}, over = {}, load: options }: Given = {}): Promise<Opened> {
  const crashes: EngineCrash[] = []
  let processes!: FakeProcesses
  const addon = new FakeAddon({ pace: 'manual', script: () => ({ tokens: counting() }), ...fake })
  const Engine = overProcess(addon.Engine, {
    ...over,
    onCrash: (crash) => crashes.push(crash),
    onProcesses: (made) => {
      processes = made
      over.onProcesses?.(made)
    },
  })
  useBinding(Object.assign(Object.create(addon), { Engine }))
  const engine = await load({ model: 'a.gguf', parallel: 2, ...options })
  return { addon, engine, processes, crashes }
}

/** Until its death is known. */
export async function dies({ processes, crashes }: Opened): Promise<void> {
  const count = crashes.length
  processes.last.die({ code: null, signal: 'SIGKILL' })
  await eventually(() => crashes.length > count)
}

/** Until the next process has its model. */
export async function restarted({ engine }: Opened): Promise<void> {
  await eventually(() => !engine.stats().isRestarting)
  await settle()
}

/** 'done', or the code of what it rejects with. */
export function told(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  )
}
