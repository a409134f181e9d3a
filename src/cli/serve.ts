import { once } from 'node:events'
import { EngineEndedError, InvalidOptionError } from '../api/errors.js'
import type { Engine } from '../engine/engine.js'
import { load } from '../engine/load.js'
import { type Address, createServer, type SluiceServer } from '../http/index.js'
import { readApiKeys } from '../options/api-keys.js'
import type { serveFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { banner } from './banner.js'
import { loadOptions, pick, printWarning } from './load-options.js'
import { openLog } from './log.js'
import type { Log } from './log-events.js'
import { ProgressBar } from './progress.js'

/** How long readers may take for the end of replies that ended with the engine. */
const lastWordsMs = 1000

type Flags = Settled<typeof serveFlags>

const serverKeys = [
  'host',
  'port',
  'allowUnauthenticated',
  'isolateKeys',
  'openMetrics',
  'anyModel',
  'readerStallMs',
  'engineStallMs',
  'maxTokens',
] as const

/** `sluice serve`: until SIGTERM or SIGINT, which drains. @returns the exit code */
export async function serveCommand(flags: Flags): Promise<number> {
  const apiKeys = readApiKeys(flags.apiKeyFile, process.env)
  const log = await openLog(flags.logFormat, flags.logLevel)
  const stop = stopSignal()
  let begin!: (engine: Promise<Engine>) => void
  const loading = new Promise<Engine>((resolve) => {
    begin = resolve
  })
  const server = serverOf(flags, apiKeys, loading, log)
  // A port in use is told now, not after minutes of loading.
  const address = await listening(server, flags)
  begin(loaded(flags, stop))
  try {
    const engine = await loading
    process.stdout.write(banner(engine, address.url, flags, apiKeys.length > 0))
    log.life('ready', { url: address.url, model: engine.model.id })
    const failure = await stoppedOrEnded(stop, engine)
    if (failure !== undefined) throw failure
    await drained(server, engine, flags.drainMs, log)
    await throwingEnd(engine)
    log.life('stopped', {})
  } catch (error) {
    // Replies that ended with the engine reach their readers first.
    await server.drain({ deadlineMs: error instanceof EngineEndedError ? lastWordsMs : 0 })
    if (error instanceof EngineEndedError || !stop.aborted) throw error
  }
  return 0
}

/** Until a signal comes, or the engine ends by itself: then why. */
async function stoppedOrEnded(
  stop: AbortSignal,
  engine: Engine,
): Promise<EngineEndedError | undefined> {
  if (stop.aborted) return undefined
  const stopped = once(stop, 'abort').then(() => undefined)
  return Promise.race([stopped, engine.ended])
}

/** Closes the engine. Throws why it ended by itself, if it did so while the server drained. */
async function throwingEnd(engine: Engine): Promise<void> {
  await engine.close()
  const failure = await engine.ended
  if (failure !== undefined) throw failure
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

function serverOf(
  flags: Flags,
  apiKeys: string[],
  engine: Promise<Engine>,
  log: Log,
): SluiceServer {
  const { alias: aliases, allowHost: allowHosts, allowOrigin: allowOrigins } = flags
  const names = { aliases, allowHosts, allowOrigins }
  const bodyBytesMax = flags.bodyMib * 2 ** 20
  try {
    return createServer({
      ...pick(flags, serverKeys),
      ...names,
      bodyBytesMax,
      apiKeys,
      engine,
      onLog: log.request,
      onEngineError: () => undefined, // this command ends with it, and says why
    })
  } catch (error) {
    throw error instanceof InvalidOptionError ? withFlags(error, flags) : error
  }
}

/** What two options come to, in the words of the command line. */
function withFlags(error: InvalidOptionError, { host }: Flags): InvalidOptionError {
  const keys = 'give keys with --api-key-file or SLUICE_API_KEY'
  if (error.option === 'host') {
    const otherwise = 'or say --allow-unauthenticated if everybody may use it'
    const expected = `a loopback address such as 127.0.0.1, as others can reach ${host}`
    const message = `'--host': expected ${expected}; ${keys}, ${otherwise}.`
    return new InvalidOptionError('--host', message)
  }
  if (error.option === 'isolateKeys') {
    const message = `'--isolate-keys': expected keys, by which it tells requests apart; ${keys}.`
    return new InvalidOptionError('--isolate-keys', message)
  }
  return error
}

async function listening(server: SluiceServer, { host, port }: Flags): Promise<Address> {
  try {
    return await server.listen()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new Error(
      `Port ${port} of ${host} is in use. Give another with --port; --port 0 picks a free one.`,
    )
  }
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

async function drained(
  server: SluiceServer,
  engine: Engine,
  deadlineMs: number,
  log: Log,
): Promise<void> {
  const { queued, running, parked } = engine.stats()
  log.life('draining', { replies: queued + running + parked, deadlineMs })
  await server.drain({ deadlineMs })
}
