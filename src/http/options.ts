import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { reasonOf } from '../api/show.js'
import { guarded } from '../engine/callbacks.js'
import type { Engine } from '../engine/engine.js'
import { warnOfEngine } from '../host/engine-fault.js'
import { fixedHost, isEngine } from '../host/fixed-host.js'
import type { ModelHost } from '../host/model-host.js'
import { poolHost } from '../host/pool-host.js'
import { type ApiKey, apiKey, type KeyLimits, keyLimitChecks } from '../options/api-keys.js'
import {
  aFunction,
  type Check,
  type Checks,
  check,
  demand,
  fieldsOf,
  hostName,
  hostOfRequests,
  int32Max,
  integerFrom,
  isObject,
  listOf,
  milliseconds,
  oneOf,
  parseFields,
  readable,
  refused,
  trueOrFalse,
  wrong,
} from '../options/checks.js'
import { nameOfModel } from '../options/models-options.js'
import { optionName } from '../options/spoken-names.js'
import { isModels, type Models } from '../pool/models.js'
import type { AccessEntry } from '../web/access-log.js'
import { plainPath } from '../web/target.js'
import type { MetricsNames } from './metrics/names.js'

/** What a fetch handler needs to know; every limit is here, with its unit in its name. */
export interface FetchHandlerOptions {
  /**
   * The engine, or the promise of one: until it settles, requests get 503 `loading`. One that is
   * rejected is no unhandled rejection: see `onEngineError`. Or several models, by `models()`:
   * a request has the one that it names, and waits until that is loaded. The caller keeps the
   * engine or the models: no handler, listener or server ever closes them.
   */
  engine: Engine | Promise<Engine> | Models
  /**
   * Names that the model answers to, beside its file's and `default`; of several models the default
   * one. At most 1,024.
   */
  aliases?: readonly string[]
  /**
   * Keys of which a request must bring one as `Authorization: Bearer KEY`; an object has a name for
   * the log, and limits that are the key's own. Default: no key.
   */
  apiKeys?: readonly (string | ApiKey)[]
  /** Limits of each key that has none of its own. Needs `apiKeys`. Default: none. */
  keyLimits?: KeyLimits
  /**
   * Each key's prompts share computed states among themselves only, so that the holder of one
   * cannot learn from timing what others asked. Needs `apiKeys`. Default false.
   */
  isolateKeys?: boolean
  /** GET /metrics needs no key. Default false: it needs one, like everything but /health. */
  openMetrics?: boolean
  /**
   * Whose names GET /metrics has: `sluice` (the default), or `vllm` for what vLLM tells as well, as
   * Kubernetes' endpoint picker reads it.
   */
  metricsNames?: MetricsNames
  /**
   * Answers to any other name as well, of several models by the default one; the reply says the
   * model's own. Default false: a 404.
   */
  anyModel?: boolean
  /**
   * Clients may say which models there are: pull them from the Hub (with several models), copy and
   * delete them, as Ollama's do. Anybody who may ask can fill the disk then. Default false: a 403.
   */
  allowPull?: boolean
  /**
   * Host names that requests may be sent to, beside localhost and loopback addresses. A request
   * that must bring a key may be sent to any.
   */
  allowHosts?: readonly string[]
  /**
   * Origins of web pages that may call, as browsers send them: `https://app.example`. `*` in one
   * stands for any characters; alone it is every page. Those of apps and extensions may call.
   */
  allowOrigins?: readonly string[]
  /**
   * The path that requests have in front of the routes, where a framework leaves it there: with
   * `/api/ai` requests of `/api/ai/v1/models` are answered. A part `:name` stands for any one part.
   * Express's `app.use('/ai', ...)` takes it off by itself. Default: none.
   */
  prefix?: string
  /**
   * Serve the page at `/`, to browsers: a conversation, and what the engine does. It needs no key,
   * and asks for one. Default false, and true of `createServer`.
   */
  page?: boolean
  /** Bytes of a request's body. Default 32 MiB; more is a 413. */
  bodyBytesMax?: number
  /** Tokens of a reply whose request sets no limit. Default: until the context is full. */
  maxTokens?: number
  /**
   * Responses of POST /v1/responses that are kept in memory, so that later requests may name them
   * as `previous_response_id`: each for the key that made it. Beyond so many the one that was not
   * used for the longest goes. Default 0: none is kept. At most 1,000,000.
   */
  responseStore?: number
  /** Bytes that kept responses may take together. Default 64 MiB. */
  responseStoreBytes?: number
  /**
   * Milliseconds that a request may take to arrive. Default 60,000; more is a 408. A server counts
   * from its first byte, a listener or handler from where it is handed over.
   */
  requestTimeoutMs?: number
  /** Milliseconds of silence after which a stream carries a comment. Default 15,000. */
  pingMs?: number
  /**
   * Milliseconds a reader may take nothing of what waits for it; then a reset, or the stream of a
   * fetch handler fails. A connection whose client vanished without a packet has as long. Default
   * 60,000.
   */
  readerStallMs?: number
  /**
   * Milliseconds the engine may stand still while a request waits for it; then a 503
   * `engine_stalled`. A batch that takes longer is no standstill where the CPU computes it; on a
   * GPU this is also the longest that a batch may take. Default 30,000.
   */
  engineStallMs?: number
  /**
   * Called once per request, after its end. The entry holds no prompt, no key and no query string,
   * apart from `error`, the value that was thrown: see describeFault.
   * What it throws, or its promise is rejected with, becomes a process warning, once
   * (SLUICE_CALLBACK). Default: nothing is logged, and failures of the server itself become process
   * warnings.
   */
  onLog?: (entry: AccessEntry) => void
  /**
   * Called once where there will be no engine any more: with what the promise of one was rejected
   * with, or with the EngineEndedError of one that ended by itself. Requests get 503 `load_failed`
   * or `engine_ended` then. Default: a process warning with the code SLUICE_ENGINE. Not of several
   * models, which have `onEvent`.
   */
  onEngineError?: (error: unknown) => void
}

/** What a listener of Node's needs beside that. */
export interface ListenerOptions extends FetchHandlerOptions {
  /**
   * The kernel's send buffer of a connection that streams, in bytes (Linux doubles it). Default
   * 16 KiB: with the usual 2.5 MB and more, a reader that stopped long ago looks as if it kept up.
   * 0 leaves the system's. Replies that are no streams have the system's in any case.
   */
  sendBufferBytes?: number
}

/** What a whole server needs beside that. */
export interface ServerOptions extends ListenerOptions {
  /** Address to bind. Default 127.0.0.1. Another than loopback needs `apiKeys`. */
  host?: string
  /**
   * TCP port; 0 picks a free one. May also be decimal text, as `process.env.PORT` is; no other
   * number may. Default 8080.
   */
  port?: number | string
  /**
   * A port of `host` that serves GET /metrics alone, without a key, in plain HTTP also beside TLS.
   * Requests there are neither logged nor counted; 0 picks a free one. Default: none.
   */
  metricsPort?: number
  /**
   * A port of `host` that answers HAProxy's agent-check, with a line for each connection: how much
   * of the load this server should get, or that it drains; 0 picks a free one. Default: none.
   */
  agentPort?: number
  /**
   * Speak TLS, by a certificate with its chain and its key, each as PEM: text or bytes. Default:
   * plain HTTP. `server.reload()` takes newer ones.
   */
  tls?: Tls
  /** Serve an address other than loopback to all clients, without a key. Default false. */
  allowUnauthenticated?: boolean
  /**
   * Connections at once; more are closed on arrival. Default 4,096, or fewer: of the process'
   * descriptors (`ulimit -n`) a quarter is left over, but 32 at least and 256 at most. Linux.
   */
  connectionsMax?: number
  /** Milliseconds that a request's headers may take. Default 10,000. */
  headersTimeoutMs?: number
  /** Milliseconds that an idle connection is kept for the next request. Default 65,000. */
  keepAliveMs?: number
  /** Bytes of a request's headers. Default 16 KiB; more is a 431. */
  headerBytesMax?: number
  /** Bytes of a reply that wait in the process before its reader is waited for. Default 2 KiB. */
  writeBufferBytes?: number
}

/** A certificate and its key. */
export interface Tls {
  cert: string | Uint8Array
  key: string | Uint8Array
}

/** What of a running server may change. What is left out stays. */
export interface ReloadOptions {
  /** One key or more, where the server has keys; where it has none, none can be added. */
  apiKeys?: readonly (string | ApiKey)[]
  /** Only of a server that speaks TLS. */
  tls?: Tls
}

export interface DrainOptions {
  /** Milliseconds that running replies may take. 0 or more, default 30,000. */
  deadlineMs?: number
}

const listenerDefaults = {
  aliases: [] as readonly string[],
  anyModel: false,
  apiKeys: [] as readonly ApiKey[],
  isolateKeys: false,
  openMetrics: false,
  metricsNames: 'sluice' as MetricsNames,
  allowPull: false,
  allowHosts: [] as readonly string[],
  allowOrigins: [] as readonly string[],
  prefix: '',
  page: false,
  bodyBytesMax: 32 * 1024 * 1024,
  responseStore: 0,
  responseStoreBytes: 64 * 1024 * 1024,
  requestTimeoutMs: 60_000,
  pingMs: 15_000,
  sendBufferBytes: 16 * 1024,
  readerStallMs: 60_000,
  engineStallMs: 30_000,
}

const serverDefaults = {
  ...listenerDefaults,
  page: true,
  host: '127.0.0.1',
  port: 8080,
  allowUnauthenticated: false,
  connectionsMax: 4096,
  headersTimeoutMs: 10_000,
  keepAliveMs: 65_000,
  headerBytesMax: 16 * 1024,
  writeBufferBytes: 2 * 1024,
}

/** The options that say which models there are; all others are the server's own. */
type ModelOption = 'engine' | 'aliases' | 'anyModel' | 'onEngineError'
type ModelSettings = Pick<ListenerOptions & typeof listenerDefaults, ModelOption>

export type OwnServerOptions = Omit<ServerOptions, ModelOption>
/** What a check reads as something else. */
type ReadListenerOptions = Omit<ListenerOptions, 'apiKeys'> & { apiKeys?: readonly ApiKey[] }
type ReadServerOptions = Omit<ServerOptions, 'port' | 'apiKeys'> & {
  port?: number
  apiKeys?: readonly ApiKey[]
}
export type ListenerSettings = Omit<ReadListenerOptions & typeof listenerDefaults, ModelOption>
export type ServerSettings = Omit<ReadServerOptions & typeof serverDefaults, ModelOption>

const namesMax = 1024
const keysMax = 65_536

const engine: Check<ListenerOptions['engine']> = check(
  'an engine, the promise of one, or what models() makes',
  (value) => isEngine(value) || isModels(value) || (isObject(value) && 'then' in value),
)
const origin: Check<string> = check(
  'an origin such as "https://app.example" (no path), or "*"',
  (value) => {
    if (typeof value !== 'string') return false
    const isOfWeb = URL.canParse(value) && new URL(value).origin === value
    // Of an app, or with a star in it: nothing that URL could tell the origin of.
    const isOther = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#]*$/.test(value) && !/^https?:[^*]*$/.test(value)
    return isOfWeb || isOther || value === '*' || value === 'null'
  },
)

const prefix: Check<string> = {
  ...check<string>('a path without a pattern at its end, such as "/api/ai"', (value) => {
    return typeof value === 'string' && /^[^\s?#*[\]{}()\\]*$/.test(value) && !value.includes('//')
  }),
  read: (value) => plainPath(new URL(`http://localhost/${value}`).pathname).replace(/^\/$/, ''),
}

const listenerChecks: Checks<ListenerOptions> = {
  engine,
  aliases: listOf(namesMax, nameOfModel, 'names'),
  anyModel: trueOrFalse,
  apiKeys: listOf(keysMax, apiKey, 'keys'),
  keyLimits: fieldsOf(keyLimitChecks),
  isolateKeys: trueOrFalse,
  openMetrics: trueOrFalse,
  metricsNames: oneOf('sluice', 'vllm'),
  allowPull: trueOrFalse,
  allowHosts: listOf(namesMax, hostOfRequests, 'host names'),
  allowOrigins: listOf(namesMax, origin, 'origins'),
  prefix,
  page: trueOrFalse,
  bodyBytesMax: integerFrom(1, 2 ** 30),
  responseStore: integerFrom(0, 1_000_000),
  responseStoreBytes: integerFrom(1, 2 ** 40),
  maxTokens: integerFrom(1, int32Max),
  requestTimeoutMs: milliseconds,
  pingMs: milliseconds,
  sendBufferBytes: integerFrom(0, 2 ** 30),
  readerStallMs: milliseconds,
  engineStallMs: milliseconds,
  onEngineError: aFunction as Check<(error: unknown) => void>,
  onLog: aFunction as Check<(entry: AccessEntry) => void>,
}

/** A handler has no connection of its own. */
const { sendBufferBytes: _, ...fetchChecks } = listenerChecks

const portNumber = integerFrom(0, 65_535)
const port: Check<number | string> = {
  ...portNumber,
  accepts: (value): value is number | string => {
    const isText = typeof value === 'string' && /^\d{1,5}$/.test(value)
    return portNumber.accepts(isText ? Number(value) : value)
  },
  read: Number,
}

const pem: Check<string | Uint8Array> = {
  ...check<string | Uint8Array>('PEM, as text or bytes', (value) => {
    return (typeof value === 'string' && value !== '') || value instanceof Uint8Array
  }),
  isSecret: true,
}

const tls: Check<Tls> = {
  ...check<Tls>('an object of a certificate and its key ({ cert, key })', (value) => {
    return isObject(value) && Object.keys(value).sort().join() === 'cert,key'
  }),
  isSecret: true,
  read: (value, path) => {
    const read = parseFields<Tls>(value, { cert: pem, key: pem }, path)
    try {
      createSecureContext(read as SecureContextOptions)
    } catch (cause) {
      throw refused(path, 'a certificate and its own key', reasonOf(cause), { cause })
    }
    return read
  },
}

const serverChecks: Checks<ServerOptions> = {
  ...listenerChecks,
  tls,
  host: hostName,
  port,
  metricsPort: portNumber,
  agentPort: portNumber,
  allowUnauthenticated: trueOrFalse,
  connectionsMax: integerFrom(1, 2 ** 20),
  headersTimeoutMs: milliseconds,
  keepAliveMs: milliseconds,
  headerBytesMax: integerFrom(1024, 2 ** 20),
  writeBufferBytes: integerFrom(1, 2 ** 30),
}

const reloadChecks: Checks<ReloadOptions> = { apiKeys: listenerChecks.apiKeys, tls }
const drainChecks: Checks<DrainOptions> = { deadlineMs: integerFrom(0, int32Max) }

/** @throws InvalidOptionError */
export function listenerSettings(options: ListenerOptions): ListenerSettings & ModelSettings {
  return settingsWithEngine(options, listenerDefaults, listenerChecks)
}

/** @throws InvalidOptionError */
export function fetchSettings(options: FetchHandlerOptions): ListenerSettings & ModelSettings {
  return settingsWithEngine(options, listenerDefaults, fetchChecks)
}

/** @throws InvalidOptionError */
export function serverSettings(options: ServerOptions): ServerSettings & ModelSettings {
  const checks = serverChecks as Checks<object> as Checks<ReadServerOptions>
  return withPorts(settingsWithEngine(options, serverDefaults, checks))
}

function settingsWithEngine<
  Defaults extends typeof listenerDefaults,
  Options extends FetchHandlerOptions,
>(options: object, defaults: Defaults, checks: Checks<Options>): Defaults & Options {
  refuseEngine(options)
  const settings = { ...defaults, ...parseFields<Options>(options, checks) }
  demand('engine', settings.engine, engine)
  return checked(settings)
}

/** Of an engine itself each field would be an option that is unknown. */
function refuseEngine(options: unknown): void {
  const isOne = () => isEngine(options) || isModels(options)
  if (readable('options', 'an object of options', isOne)) {
    throw refused('options', 'an object such as { engine }', 'the engine itself')
  }
}

/** The same without an engine. Throws InvalidOptionError. */
export function ownServerSettings(options: OwnServerOptions): ServerSettings {
  const given = parseFields<OwnServerOptions>(options, serverChecks) as ReadServerOptions
  return withPorts(checked({ ...serverDefaults, ...given }))
}

/** The host of the engine or the models that a listener or server was given. */
export function modelHostOf({
  engine,
  aliases,
  anyModel,
  onEngineError,
}: ModelSettings): ModelHost {
  if (isModels(engine)) return poolHost(engine, { aliases, anyModel })
  const onFailure = guarded('onEngineError', onEngineError ?? warnOfEngine)
  return fixedHost(engine, { aliases, anyModel, onFailure })
}

/** What a reload says, with its keys as they are read. */
type Reload = Omit<ReloadOptions, 'apiKeys'> & { readonly apiKeys?: readonly ApiKey[] }

/** @throws InvalidOptionError, also for what would open the server, or what it never was */
export function reloadSettings(options: ReloadOptions, settings: ServerSettings): Reload {
  const given = parseFields<ReloadOptions>(options, reloadChecks) as Reload
  const hasKeys = settings.apiKeys.length > 0
  if (given.apiKeys !== undefined && given.apiKeys.length > 0 !== hasKeys) {
    const expected = hasKeys ? 'a key at least' : 'none: this server was started without keys'
    throw refused('apiKeys', expected, hasKeys ? 'none' : 'some')
  }
  if (given.tls !== undefined && settings.tls === undefined) {
    throw refused('tls', 'nothing: this server was started without TLS', 'a certificate')
  }
  return given
}

/** @throws InvalidOptionError */
export function drainSettings(options: DrainOptions): Required<DrainOptions> {
  return { deadlineMs: 30_000, ...parseFields<DrainOptions>(options, drainChecks) }
}

/** What only goes together. */
function checked<S extends ListenerSettings>(settings: S): S {
  if (settings.isolateKeys && settings.apiKeys.length === 0) {
    throw wrong('isolateKeys', 'false without apiKeys: all requests would look alike', true)
  }
  if (settings.keyLimits !== undefined && settings.apiKeys.length === 0) {
    throw wrong('keyLimits', 'nothing without apiKeys: all requests would look alike', {})
  }
  return settings
}

const portOptions = ['port', 'metricsPort', 'agentPort'] as const

/** All are ports of one host; 0 is another one each time. */
function withPorts<S extends ServerSettings>(settings: S): S {
  for (const [i, name] of portOptions.entries()) {
    const own = settings[name]
    const other = portOptions.slice(0, i).find((one) => settings[one] === own)
    if (!own || other === undefined) continue
    const expected = `another port than '${optionName(other)}' has, or 0 for any that is free`
    throw wrong(name, expected, own)
  }
  return settings
}
