import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { EngineEndedError, InvalidOptionError } from '../api/errors.js'
import { Deferred } from '../engine/deferred.js'
import type { Engine } from '../engine/engine.js'
import { load } from '../engine/load.js'
import type { ModelHost } from '../host/model-host.js'
import { lastWordsMs } from '../http/node/drain.js'
import { type Address, createHostServer, type SluiceServer } from '../http/node/server.js'
import { listenerSettings, modelHostOf } from '../http/options.js'
import { readApiKeys } from '../options/api-keys.js'
import type { serveFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { loadOptions, pick, printWarning } from './load-options.js'
import { openLog } from './log.js'
import type { Log } from './log-events.js'
import { ProgressBar } from './progress.js'
import { urlsOfAll } from './serve/addresses.js'
import { banner } from './serve/banner.js'
import { type ShellKey, shellKeyOf } from './serve/shell-key.js'

type Flags = Settled<typeof serveFlags>

const serverKeys = [
  'host',
  'port',
  'allowUnauthenticated',
  'isolateKeys',
  'openMetrics',
  'readerStallMs',
  'engineStallMs',
  'maxTokens',
] as const

/** `sluice serve`: until SIGTERM or SIGINT, which drains. @returns the exit code */
export async function serveCommand(flags: Flags): Promise<number> {
  keepNewSpaceSmall()
  const apiKeys = readApiKeys(flags.apiKeyFile, process.env)
  const log = await openLog(flags.logFormat, flags.logLevel)
  const stop = stopSignal()
  const loading = new Deferred<Engine>()
  const failed = new AbortController()
  // This command ends with the engine, and says why.
  const host = hostOf(flags, loading.promise, (error) => failed.abort(error))
  const server = serverOf(flags, apiKeys, host, log)
  // A port in use is told now, not after minutes of loading.
  const address = await listening(server, flags)
  loading.resolve(loaded(flags, stop))
  try {
    await host.ready
    const models = host.loaded()
    const place = { url: address.url, urls: urlsOf(server), key: shellKey(flags) }
    process.stdout.write(banner(models, place, flags))
    log.life('ready', { url: address.url, model: models.map(({ names }) => names[0]).join(', ') })
    await stoppedOrFailed(stop, failed.signal)
    await drained(server, host, flags.drainMs, log)
    await host.close()
    failed.signal.throwIfAborted() // the engine may have ended by itself while the server drained
    log.life('stopped', {})
  } catch (error) {
    // Replies that ended with the engine reach their readers first.
    await server.drain({ deadlineMs: error instanceof EngineEndedError ? lastWordsMs : 0 })
    if (error instanceof EngineEndedError || !stop.aborted) throw error
  }
  return 0
}

/**
 * V8 doubles the space of new objects up to 48 MiB where a crowd of requests arrives, and keeps it.
 * What a server makes for a token is garbage at once, so that the space it starts with will do.
 */
function keepNewSpaceSmall(): void {
  if ('bun' in process.versions || 'deno' in process.versions) return // another heap
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** Until the first fires. Throws the reason of the second where that does. */
async function stoppedOrFailed(stop: AbortSignal, failed: AbortSignal): Promise<void> {
  const either = AbortSignal.any([stop, failed])
  if (!either.aborted) await once(either, 'abort')
  failed.throwIfAborted()
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

function hostOf(
  { alias: aliases, anyModel }: Flags,
  engine: Promise<Engine>,
  onEngineError: (error: unknown) => void,
): ModelHost {
  return modelHostOf(listenerSettings({ engine, aliases, anyModel, onEngineError }))
}

function serverOf(flags: Flags, apiKeys: string[], host: ModelHost, log: Log): SluiceServer {
  const { allowHost: allowHosts, allowOrigin: allowOrigins } = flags
  const bodyBytesMax = flags.bodyMib * 2 ** 20
  try {
    return createHostServer(host, {
      ...pick(flags, serverKeys),
      allowHosts,
      allowOrigins,
      bodyBytesMax,
      apiKeys,
      onLog: log.request,
    })
  } catch (error) {
    throw error instanceof InvalidOptionError ? withFlags(error, flags) : error
  }
}

/** What two options come to, in the words of the command line. */
function withFlags(error: InvalidOptionError, { host }: Flags): InvalidOptionError {
  const keys = 'give keys with --api-key-file or SLUICE_API_KEY'
  if (error.option === 'host') {
    const otherwise = 'or say --allow-unauthenticated if any client may use it'
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

function urlsOf({ server }: SluiceServer): string[] | undefined {
  const bound = server.address()
  return bound === null || typeof bound === 'string' ? undefined : urlsOfAll(bound)
}

function shellKey({ apiKeyFile }: Flags): ShellKey | undefined {
  return shellKeyOf(apiKeyFile, Boolean(process.env.SLUICE_API_KEY?.trim()))
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
  host: ModelHost,
  deadlineMs: number,
  log: Log,
): Promise<void> {
  const counts = host.loaded().map(({ engine }) => {
    const { queued, running, parked } = engine.stats()
    return queued + running + parked
  })
  log.life('draining', { replies: counts.reduce((sum, one) => sum + one, 0), deadlineMs })
  await server.drain({ deadlineMs })
}
