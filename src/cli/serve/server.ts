import { once } from 'node:events'
import { EngineEndedError, InvalidOptionError } from '../../api/errors.js'
import { Deferred } from '../../engine/deferred.js'
import type { Engine } from '../../engine/engine.js'
import type { ModelHost } from '../../host/model-host.js'
import { lastWordsMs } from '../../http/drain.js'
import { type Address, hostServerSettings, SluiceServer } from '../../http/node/server.js'
import { listenerSettings, modelHostOf, type ServerSettings } from '../../http/options.js'
import { Vitality } from '../../http/vitality.js'
import { warmUp } from '../../http/warm-up.js'
import type { KeyLimits } from '../../options/api-keys.js'
import type { serveFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import type { Models } from '../../pool/models.js'
import { pick } from '../load-options.js'
import { openLog } from '../log.js'
import type { Log } from '../log-events.js'
import { urlsOfAll } from './addresses.js'
import { banner } from './banner.js'
import type { Crashes } from './crashes.js'
import type { Credentials } from './credentials.js'
import type { HangUps } from './hang-ups.js'
import { openModels } from './open-models.js'
import { reload } from './reload.js'
import type { ServiceManager } from './service-manager.js'
import { type ShellKey, shellKeyOf } from './shell-key.js'

type Flags = Settled<typeof serveFlags>

const serverKeys = [
  'host',
  'port',
  'allowUnauthenticated',
  'isolateKeys',
  'openMetrics',
  'metricsPort',
  'metricsNames',
  'agentPort',
  'allowPull',
  'readerStallMs',
  'engineStallMs',
  'maxTokens',
  'responseStore',
] as const

interface Serving {
  /**
   * Called once it listens. What it loads stays the caller's where `serve` rejects. Undefined for
   * several models, which are loaded when they are asked for.
   */
  readonly load: (() => Promise<Engine>) | undefined
  readonly credentials: Credentials
  /** Fires at the first signal. */
  readonly stop: AbortSignal
  readonly hangUps: HangUps
  readonly manager: ServiceManager
  /** Of the engine that `load` makes. */
  readonly crashes: Crashes
}

/** Serves until `stop` fires, and then drains. Rejects with what keeps it from serving. */
export async function serve(
  flags: Flags,
  { load, credentials, stop, hangUps, manager, crashes }: Serving,
): Promise<void> {
  const log = await openLog(flags.logFormat, flags.logLevel)
  const settings = settingsOf(flags, credentials, log) // what is wrong is told before downloads
  const failed = new AbortController()
  // This command ends with the engine, and says why.
  const loading = new Deferred<Engine>()
  const several = load === undefined ? await openModels(flags, log, stop) : undefined
  const onEngineError = (error: unknown) => failed.abort(error)
  const begun = () => begin(flags, several?.pool ?? loading.promise, { settings, onEngineError })
  const { host, server, address } = await begun().catch(async (error: unknown) => {
    await several?.pool.close()
    throw error
  })
  hangUps.listen(() => reload(flags, { server, log, manager }))
  crashes.listen((crash) => log.life('crashed', { model: namesOf(host), ...crash }))
  if (load !== undefined) loading.resolve(load())
  several?.begin()
  try {
    warmUp()
    await host.ready
    const hasPage = flags.page === 'on'
    const place = {
      url: address.url,
      urls: urlsOf(server, address.url),
      key: shellKey(flags),
      hasPage,
      beside: { metrics: server.metricsAddress(), agent: server.agentAddress() },
    }
    const served = several === undefined ? host.loaded() : several.pool
    process.stdout.write(banner(served, place, flags))
    const names = host.entries().map((model) => model.names[0])
    log.life('ready', { url: address.url, model: names.join(', ') })
    const vitality = new Vitality(() => enginesOf(host), flags.engineStallMs)
    manager.ready(`Serving ${names.join(', ')} at ${address.url}`, vitality.isAlive)
    await stoppedOrFailed(stop, failed.signal)
    manager.stopping()
    await drained(server, host, flags.drainMs, log)
    await host.close()
    failed.signal.throwIfAborted() // the engine may have ended by itself while the server drained
    log.life('stopped', {})
  } catch (error) {
    // Replies that ended with the engine reach their readers first.
    await server.drain({ deadlineMs: error instanceof EngineEndedError ? lastWordsMs : 0 })
    await several?.pool.close()
    if (error instanceof EngineEndedError || !stop.aborted) throw error
  } finally {
    manager.end()
  }
}

function enginesOf(host: ModelHost): Engine[] {
  return host.loaded().map(({ engine }) => engine)
}

interface Begun {
  readonly host: ModelHost
  readonly server: SluiceServer
  readonly address: Address
}

interface Beginning {
  readonly settings: ServerSettings
  readonly onEngineError: (error: unknown) => void
}

/** Listens. A port in use is told now, not after minutes of loading. */
async function begin(
  flags: Flags,
  engine: Promise<Engine> | Models,
  { settings, onEngineError }: Beginning,
): Promise<Begun> {
  const host = hostOf(flags, engine, onEngineError)
  const server = new SluiceServer(settings, host)
  return { host, server, address: await listening(server, flags) }
}

/** Until the first fires. Throws the reason of the second where that does. */
async function stoppedOrFailed(stop: AbortSignal, failed: AbortSignal): Promise<void> {
  const either = AbortSignal.any([stop, failed])
  if (!either.aborted) await once(either, 'abort')
  failed.throwIfAborted()
}

/** Also where the engine has ended. */
function namesOf(host: ModelHost): string {
  return host
    .loaded()
    .map(({ names }) => names[0])
    .join(', ')
}

function hostOf(
  { alias: aliases, anyModel }: Flags,
  engine: Promise<Engine> | Models,
  onEngineError: (error: unknown) => void,
): ModelHost {
  return modelHostOf(listenerSettings({ engine, aliases, anyModel, onEngineError }))
}

function settingsOf(flags: Flags, { apiKeys, tls }: Credentials, log: Log): ServerSettings {
  const { allowHost: allowHosts, allowOrigin: allowOrigins } = flags
  const bodyBytesMax = flags.bodyMib * 2 ** 20
  const responseStoreBytes = flags.responseStoreMib * 2 ** 20
  try {
    return hostServerSettings({
      ...pick(flags, serverKeys),
      page: flags.page === 'on',
      allowHosts,
      allowOrigins,
      bodyBytesMax,
      responseStoreBytes,
      apiKeys,
      ...keyLimitsOf(flags),
      ...(tls === undefined ? {} : { tls }),
      onLog: log.request,
    })
  } catch (error) {
    throw error instanceof InvalidOptionError ? withFlags(error, flags) : error
  }
}

/** Of each key that has none of its own. */
function keyLimitsOf(flags: Flags): { keyLimits?: KeyLimits } {
  const { keyRequests: requests, keyQueue: queue, keyTokensPerMinute: tokensPerMinute } = flags
  const given = Object.entries({ requests, queue, tokensPerMinute })
  const limits = Object.fromEntries(given.filter(([, value]) => value !== undefined))
  return Object.keys(limits).length === 0 ? {} : { keyLimits: limits }
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
  if (error.option === 'keyLimits') {
    const expected = 'expected keys, by which requests are told apart'
    const message = `'--key-requests' and the like: ${expected}; ${keys}.`
    return new InvalidOptionError('--key-requests', message)
  }
  if (error.option === 'tls') {
    return new InvalidOptionError('--tls-cert', error.message.replace("'tls'", "'--tls-cert'"))
  }
  return error
}

async function listening(
  server: SluiceServer,
  { host, port, metricsPort, agentPort }: Flags,
): Promise<Address> {
  try {
    return await server.listen()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    const taken = (error as NodeJS.ErrnoException & { port?: number }).port ?? port
    const flags = ['--port', '--metrics-port', '--agent-port']
    const flag = flags[[port, metricsPort, agentPort].indexOf(taken)]
    throw new Error(
      `Port ${taken} of ${host} is in use. Give another with ${flag}; ${flag} 0 picks a free one.`,
    )
  }
}

function urlsOf({ server }: SluiceServer, url: string): string[] | undefined {
  const scheme = new URL(url).protocol
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return undefined
  return urlsOfAll({ ...bound, scheme })
}

function shellKey({ apiKeyFile }: Flags): ShellKey | undefined {
  return shellKeyOf(apiKeyFile, Boolean(process.env.SLUICE_API_KEY?.trim()))
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
