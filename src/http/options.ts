import type { Engine } from '../engine/engine.js'
import { InvalidOptionError } from '../engine/errors.js'
import type { AccessEntry } from './access-log.js'

/** What a listener needs to know; every limit is here, with its unit in its name. */
export interface ListenerOptions {
  /**
   * The engine, or the promise of one: until it settles, requests get 503 `loading`. One that is
   * rejected is no unhandled rejection: see `onEngineError`. The caller keeps the engine: neither a
   * listener nor a server ever closes it.
   */
  engine: Engine | Promise<Engine>
  /** Names that the model answers to, beside its file's and `default`. Default: none. */
  aliases?: readonly string[]
  /** Keys of which a request must bring one as `Authorization: Bearer KEY`. Default: no key. */
  apiKeys?: readonly string[]
  /**
   * Each key's prompts share computed states among themselves only, so that the holder of one
   * cannot learn from timing what others asked. Needs `apiKeys`. Default false.
   */
  isolateKeys?: boolean
  /** GET /metrics needs no key. Default false: it needs one, like everything but /health. */
  openMetrics?: boolean
  /** Host names that requests may be sent to, beside localhost and loopback addresses. */
  allowHosts?: readonly string[]
  /** Origins of web pages that may call, exactly as browsers send them: `https://app.example`. */
  allowOrigins?: readonly string[]
  /** Bytes of a request's body. Default 1 MiB; more is a 413. */
  bodyBytesMax?: number
  /** Tokens of a reply whose request sets no limit. Default: until the context is full. */
  maxTokens?: number
  /**
   * Milliseconds that a request may take to arrive. Default 60,000; more is a 408. A server counts
   * from its first byte, a listener of its own from where it is handed over.
   */
  requestTimeoutMs?: number
  /** Milliseconds of silence after which a stream carries a comment. Default 15,000. */
  pingMs?: number
  /** Milliseconds a reader may take nothing of what waits for it; then a reset. Default 60,000. */
  readerStallMs?: number
  /**
   * The kernel's send buffer of a connection that streams, in bytes (Linux doubles it). Default
   * 16 KiB: with the usual 2.5 MB and more, a reader who stopped long ago looks as if it kept up.
   * 0 leaves the system's. Replies that are no streams have the system's in any case.
   */
  sendBufferBytes?: number
  /**
   * Milliseconds the engine may stand still while a request waits for it; then a 503
   * `engine_stalled`. A call that takes longer is no standstill where the CPU computes it; on a GPU
   * this is also the longest that a call may take. Default 30,000.
   */
  engineStallMs?: number
  /**
   * Called once per request, after its end. The entry holds no prompt, no key and no query string,
   * apart from `error`, the value that was thrown: see describeFault.
   * Default: nothing is logged, and failures of the server itself become process warnings.
   */
  onLog?: (entry: AccessEntry) => void
  /**
   * Called once where there will be no engine any more: with what the promise of one was rejected
   * with, or with the EngineEndedError of one that ended by itself. Requests get 503 `load_failed`
   * or `engine_ended` then. Default: a process warning with the code SLUICE_ENGINE.
   */
  onEngineError?: (error: unknown) => void
}

/** What a whole server needs beside that. */
export interface ServerOptions extends ListenerOptions {
  /** Address to bind. Default 127.0.0.1. Another than loopback needs `apiKeys`. */
  host?: string
  /** TCP port; 0 picks a free one. Default 8080. */
  port?: number
  /** Serve an address other than loopback to everybody, without a key. Default false. */
  allowUnauthenticated?: boolean
  /** Connections at once; more are closed on arrival. Default 4,096. */
  connectionsMax?: number
  /** Milliseconds that a request's headers may take. Default 10,000. */
  headersTimeoutMs?: number
  /** Milliseconds that an idle connection is kept for the next request. Default 65,000. */
  keepAliveMs?: number
  /** Bytes of a request's headers. Default 16 KiB; more is a 431. */
  headerBytesMax?: number
  /** Bytes of a reply that wait in the process before its reader is waited for. Default 16 KiB. */
  writeBufferBytes?: number
}

const listenerDefaults = {
  aliases: [] as readonly string[],
  apiKeys: [] as readonly string[],
  isolateKeys: false,
  openMetrics: false,
  allowHosts: [] as readonly string[],
  allowOrigins: [] as readonly string[],
  bodyBytesMax: 1024 * 1024,
  requestTimeoutMs: 60_000,
  pingMs: 15_000,
  sendBufferBytes: 16 * 1024,
  readerStallMs: 60_000,
  engineStallMs: 30_000,
}

const serverDefaults = {
  ...listenerDefaults,
  host: '127.0.0.1',
  port: 8080,
  allowUnauthenticated: false,
  connectionsMax: 4096,
  headersTimeoutMs: 10_000,
  keepAliveMs: 65_000,
  headerBytesMax: 16 * 1024,
  writeBufferBytes: 16 * 1024,
}

export type ListenerSettings = ListenerOptions & typeof listenerDefaults
export type ServerSettings = ServerOptions & typeof serverDefaults

/** Milliseconds that a timer of Node's can hold. */
const timerMsMax = 2 ** 31 - 1

const ranges: Partial<Record<keyof ServerOptions, [min: number, max: number]>> = {
  bodyBytesMax: [1, 2 ** 30],
  maxTokens: [1, 2 ** 31 - 1],
  pingMs: [1, timerMsMax],
  readerStallMs: [1, timerMsMax],
  engineStallMs: [1, timerMsMax],
  port: [0, 65_535],
  connectionsMax: [1, 2 ** 20],
  headersTimeoutMs: [1, timerMsMax],
  requestTimeoutMs: [1, timerMsMax],
  keepAliveMs: [1, timerMsMax],
  headerBytesMax: [1024, 2 ** 20],
  sendBufferBytes: [0, 2 ** 30],
  writeBufferBytes: [1, 2 ** 30],
}

export function listenerSettings(options: ListenerOptions): ListenerSettings {
  return checked(withDefaults(options, listenerDefaults))
}

export function serverSettings(options: ServerOptions): ServerSettings {
  return checked(withDefaults(options, serverDefaults))
}

function withDefaults<O extends object, D extends object>(options: O, defaults: D): O & D {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(given) } as O & D
}

function checked<S extends ListenerSettings>(settings: S): S {
  for (const [name, [min, max]] of Object.entries(ranges)) {
    const value = (settings as Record<string, unknown>)[name]
    if (value === undefined) continue
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) continue
    throw new InvalidOptionError(
      name,
      `Expected ${name} to be a whole number from ${min} to ${max}, but got ${String(value)}.`,
    )
  }
  if (settings.isolateKeys && settings.apiKeys.length === 0) {
    throw new InvalidOptionError(
      'isolateKeys',
      'Expected apiKeys where isolateKeys is set: without a key all requests look alike.',
    )
  }
  for (const key of settings.apiKeys) {
    if (/^[\x21-\x7e]+$/.test(key)) continue
    throw new InvalidOptionError(
      'apiKeys',
      'Expected each of apiKeys to be printable ASCII without blanks, for a header to carry it.',
    )
  }
  for (const origin of settings.allowOrigins) {
    if (URL.canParse(origin) && new URL(origin).origin === origin) continue
    throw new InvalidOptionError(
      'allowOrigins',
      `Expected an origin such as https://app.example (no path, no *), but got '${origin}'.`,
    )
  }
  return settings
}
