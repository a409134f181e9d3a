import type { Engine } from '../engine/engine.js'
import { load } from '../engine/load.js'
import { readApiKeys } from '../options/api-keys.js'
import type { serveFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { loadOptions, printWarning } from './load-options.js'
import { ProgressBar } from './progress.js'

type Flags = Settled<typeof serveFlags>

/** `sluice serve`: until SIGTERM or SIGINT, which drains. @returns the exit code */
export async function serveCommand(flags: Flags): Promise<number> {
  const apiKeys = readApiKeys(flags.apiKeyFile, process.env)
  const stop = stopSignal()
  const unserved = new AbortController()
  const engine = loaded(flags, AbortSignal.any([stop, unserved.signal]))
  engine.catch(() => undefined) // until the server looks at it
  try {
    // The engine's thread loads the model meanwhile.
    const { serve } = await import('./serve/server.js')
    await serve(flags, { engine, apiKeys, stop })
  } catch (error) {
    unserved.abort()
    await engine.then((loaded) => loaded.close()).catch(() => undefined) // told already, or aborted
    throw error
  }
  return 0
}

/** Fires at the first SIGINT or SIGTERM; the second ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  const onSignal = (name: NodeJS.Signals, number: number): void => {
    if (stop.signal.aborted) process.exit(128 + number)
    stop.abort(name)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return stop.signal
}

async function loaded(flags: Flags, signal: AbortSignal): Promise<Engine> {
  const progress = new ProgressBar('Loading')
  try {
    const tell = { onProgress: progress.update, onWarning: printWarning }
    return await load({ ...loadOptions(flags), ...tell, signal })
  } finally {
    progress.clear()
  }
}
