import cluster from 'node:cluster'
import { CancelledError } from '../api/errors.js'
import type { Engine } from '../engine/engine.js'
import { isOpenToOthers } from '../http/door/loopback.js'
import type { serveFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { loadWithProgress } from './load-with-progress.js'
import { Crashes } from './serve/crashes.js'
import { type Credentials, readCredentials } from './serve/credentials.js'
import { HangUps } from './serve/hang-ups.js'
import { seemFree } from './serve/ports.js'
import { wantedModels } from './serve/served-models.js'
import { ServiceManager } from './serve/service-manager.js'
import { stopSignal } from './serve/stop-signal.js'

type Flags = Settled<typeof serveFlags>

/** `sluice serve`: until SIGTERM or SIGINT, which drains. @returns the exit code */
export async function serveCommand(flags: Flags): Promise<number> {
  const manager = new ServiceManager()
  const stop = stopSignal()
  const hangUps = new HangUps(flags, manager.isThere)
  const credentials = readCredentials(flags)
  const unserved = new AbortController()
  let engine: Promise<Engine> | undefined
  const wanted = wantedModels(flags)
  const crashes = new Crashes()
  const load = (file: string | undefined): Promise<Engine> => {
    const signal = AbortSignal.any([stop, unserved.signal])
    engine ??= loadWithProgress(flags, file, { signal, onCrash: crashes.tell })
    return engine
  }
  try {
    // The engine's thread loads the model while the server is imported. Not where the server will
    // refuse to listen: that is told first, and a load cannot be given up before its file is
    // mapped.
    if (wanted.kind === 'one' && (await mayListen(flags, credentials))) {
      load(wanted.file).catch(() => undefined) // the server looks at it
    }
    const { serve } = await import('./serve/server.js')
    const ofOne = wanted.kind === 'one' ? () => load(wanted.file) : undefined
    await serve(flags, { load: ofOne, credentials, stop, hangUps, manager, crashes })
  } catch (error) {
    if (stop.aborted && error instanceof CancelledError) return 0 // a pull was given up
    unserved.abort()
    await engine?.then((loaded) => loaded.close()).catch(() => undefined) // told, or aborted
    throw error
  }
  return 0
}

/** Whether the server will listen, as far as that can be known before it does. */
async function mayListen(flags: Flags, { apiKeys }: Credentials): Promise<boolean> {
  const { host, isolateKeys, keyRequests, keyQueue, keyTokensPerMinute } = flags
  const hasLimits = [keyRequests, keyQueue, keyTokensPerMinute].some((one) => one !== undefined)
  const lacksKeys = (isolateKeys || hasLimits) && apiKeys.length === 0
  if (isOpenToOthers({ ...flags, apiKeys }) || lacksKeys) return false
  if (cluster.isWorker) return false // workers share their port
  const { port, metricsPort, agentPort } = flags
  const ports = [port, metricsPort, agentPort].filter((one) => one !== undefined)
  return seemFree(ports, host)
}
