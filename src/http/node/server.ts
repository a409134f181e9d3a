import { createServer as createHttpServer, type Server } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Server as NetServer, Socket } from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { show } from '../../api/show.js'
import { atCaller, fromCaller } from '../../engine/call-site.js'
import type { ModelHost } from '../../host/model-host.js'
import { noOptions, refused } from '../../options/checks.js'
import { App } from '../app.js'
import { isOpenToOthers, withoutBrackets } from '../door/loopback.js'
import { Drain } from '../drain.js'
import {
  type DrainOptions,
  modelHostOf,
  type OwnServerOptions,
  ownServerSettings,
  type ReloadOptions,
  reloadSettings,
  type ServerOptions,
  type ServerSettings,
  serverSettings,
} from '../options.js'
import { agentServer } from './agent-server.js'
import { deferContinue, refuseExpectation } from './body.js'
import { onClientError, onConnect } from './client-error.js'
import { connectionOf } from './connection.js'
import { connectionsWithin } from './connections-max.js'
import { listenerOf } from './listener.js'
import { metricsServer } from './metrics-server.js'
import { OpenSockets } from './open-sockets.js'
import { tlsServer, useCertificate } from './tls.js'

export interface Address {
  readonly host: string
  readonly port: number
  /** For example http://127.0.0.1:8080; the server's own has https: with TLS. */
  readonly url: string
}

/** Turns of the event loop in which what has arrived already is accepted and read. */
const newcomerTurns = 3
/** How long the request of a connection that is open may take to arrive. */
const newcomersMs = 50

/**
 * A server in front of an engine; see ServerOptions for its limits. `listen()` starts it, `drain()`
 * ends it well. Throws InvalidOptionError, also for an address other than loopback without keys.
 */
export function createServer(options: ServerOptions, ...none: []): SluiceServer {
  return atCaller(() => {
    noOptions(none)
    const settings = serverSettings(options)
    checkOpenness(settings)
    return new SluiceServer(settings, modelHostOf(settings))
  })
}

/** The settings of a server of its own. Throws InvalidOptionError as createServer does. */
export function hostServerSettings(options: OwnServerOptions): ServerSettings {
  const settings = ownServerSettings(options)
  checkOpenness(settings)
  return settings
}

/** Made by createServer. */
export class SluiceServer implements AsyncDisposable {
  /** Node's own server, for what is not here; with TLS it is one of node:https. */
  readonly server: Server | HttpsServer
  readonly #settings: ServerSettings
  readonly #app: App
  readonly #drain: Drain
  /** What listens beside it. */
  readonly #metrics: Server | undefined
  readonly #agent: NetServer | undefined
  /** Its connections below TLS. */
  readonly #raw: OpenSockets | undefined
  readonly #agentSockets: OpenSockets | undefined

  /**
   * @internal
   * @param host stays the caller's
   */
  constructor(given: ServerSettings, host: ModelHost) {
    const settings = { ...given, host: withoutBrackets(given.host) }
    this.#settings = settings
    const named = withOwnName(settings)
    this.#app = new App(named, host)
    this.server = httpServer(settings, this.#app)
    const { metricsPort, agentPort, tls } = settings
    this.#metrics = metricsPort === undefined ? undefined : metricsServer(this.#app, named)
    this.#agent = agentPort === undefined ? undefined : agentServer(this.#app)
    this.#raw = tls === undefined ? undefined : new OpenSockets(this.server)
    this.#agentSockets = this.#agent === undefined ? undefined : new OpenSockets(this.#agent)
    const cutOff = () => this.server.closeAllConnections()
    this.#drain = new Drain((deadline) => this.#end(deadline), cutOff)
  }

  /**
   * At `host` and `port` of createServer's options. Rejects with Node's own error where the address
   * cannot be had, for example EADDRINUSE.
   */
  async listen(...none: []): Promise<Address> {
    const [given] = none as readonly unknown[]
    if (given !== undefined) {
      throw refused('listen()', "nothing: host and port are createServer's options", show(given))
    }
    return fromCaller(() => this.#listening())
  }

  /** Where it listens; the port is the one that was picked. */
  address(): Address {
    return this.#addressOf(this.server, this.#settings.tls === undefined ? 'http' : 'https')
  }

  /** Where it listens for scrapes of metrics, in plain HTTP; undefined without `metricsPort`. */
  metricsAddress(): Address | undefined {
    return this.#metrics === undefined ? undefined : this.#addressOf(this.#metrics)
  }

  /** Where it answers agent-checks, which are no HTTP; undefined without `agentPort`. */
  agentAddress(): Omit<Address, 'url'> | undefined {
    if (this.#agent === undefined) return undefined
    const { host, port } = this.#addressOf(this.#agent)
    return { host, port }
  }

  #addressOf(server: NetServer, scheme = 'http'): Address {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('listen() comes first')
    const { host } = this.#settings
    const { port } = address
    return { host, port, url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}` }
  }

  /**
   * Takes other keys, or a newer certificate, from now on. Connections and requests that are there
   * stay as they are. Throws InvalidOptionError, and then takes nothing.
   */
  reload(options: ReloadOptions, ...none: []): void {
    atCaller(() => {
      noOptions(none)
      const { apiKeys, tls } = reloadSettings(options, this.#settings)
      if (apiKeys !== undefined) this.#app.keys.replace(apiKeys)
      if (tls !== undefined) useCertificate(this.server, tls)
    })
  }

  /**
   * Stops well: /health and new requests get 503 from now on, running replies finish, and those
   * that still run after `deadlineMs` (30,000) get an error and end. Resolves once the last
   * connection is closed. Called again, it is the same drain; a shorter deadline then counts.
   * May be a listener itself, bound: an Event or a signal's name is no option. Rejects with
   * ERR_INVALID_OPTION, and then stops nothing.
   */
  drain(options?: DrainOptions): Promise<void> {
    return this.#drain.run(options)
  }

  /** drain() with no time left. */
  async close(...none: []): Promise<void> {
    noOptions(none)
    return this.drain({ deadlineMs: 0 })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Where one of its ports cannot be had, it keeps none. */
  async #listening(): Promise<Address> {
    const { host, port, metricsPort, agentPort } = this.#settings
    try {
      await listenAt(this.server, port, host)
      if (this.#metrics !== undefined) await listenAt(this.#metrics, metricsPort, host)
      if (this.#agent !== undefined) await listenAt(this.#agent, agentPort, host)
    } catch (error) {
      if (this.server.listening) this.server.close()
      await this.#closeOthers()
      throw error
    }
    return this.address()
  }

  async #end(deadline: AbortSignal): Promise<void> {
    const { server } = this
    await this.#app.drain(deadline)
    await this.#answerNewcomers(deadline)
    // Nothing is in flight, so no connection has a claim: also none that was opened ahead of a
    // request, which Node does not count as idle.
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
      this.#raw?.destroy()
    })
    await this.#closeOthers()
  }

  /** Last: while replies end, a balancer hears of the drain, and a scraper of the rest. */
  async #closeOthers(): Promise<void> {
    const open = [this.#metrics, this.#agent].filter((one) => one?.listening)
    const closed = open.map((one) => new Promise((resolve) => one?.close(resolve)))
    this.#metrics?.closeAllConnections()
    this.#agentSockets?.destroy() // they have their line, and may stay for as long as they like
    await Promise.all(closed)
  }

  /**
   * Of a connection that was just opened the request may be on its way: it gets its 503, where it
   * would else find the connection closed. Not where no time is left.
   */
  async #answerNewcomers(deadline: AbortSignal): Promise<void> {
    for (let turn = 0; turn < newcomerTurns; turn++) await setImmediate()
    this.server.closeIdleConnections()
    if (deadline.aborted || (await openConnections(this.server)) === 0) return
    await sleep(newcomersMs)
    await this.#app.drain(deadline)
  }
}

function httpServer(settings: ServerSettings, app: App): Server | HttpsServer {
  const listener = listenerOf(app)
  const soonestMs = Math.min(settings.headersTimeoutMs, settings.requestTimeoutMs)
  const options = {
    headersTimeout: settings.headersTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    // Node looks every 30 s by itself, which makes 40 of a deadline of 10.
    connectionsCheckingInterval: Math.ceil(soonestMs / 4),
    keepAliveTimeout: settings.keepAliveMs,
    maxHeaderSize: settings.headerBytesMax,
    highWaterMark: settings.writeBufferBytes,
    // A missing Host is refused at the door, with the same body as everything else.
    requireHostHeader: false,
  }
  const { tls } = settings
  const server = tls === undefined ? createHttpServer(options) : tlsServer(options, tls, settings)
  server.on('request', listener)
  server.maxConnections = connectionsWithin(settings.connectionsMax)
  // From now on its time is known.
  server.on(tls === undefined ? 'connection' : 'secureConnection', connectionOf)
  server.on('clientError', (error, socket) => onClientError(app, error, socket as Socket))
  server.on('connect', (req, socket) => onConnect(app, req, socket))
  server.on('drop', () => app.metrics.drop())
  server.on('checkExpectation', (req, res) => {
    refuseExpectation(req)
    listener(req, res)
  })
  server.on('checkContinue', (req, res) => {
    deferContinue(req)
    listener(req, res)
  })
  return server
}

function listenAt(server: NetServer, port: number | undefined, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function openConnections(server: Server | HttpsServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

function checkOpenness(settings: ServerSettings): void {
  if (!isOpenToOthers(settings)) return
  const why = 'others can reach it; or give apiKeys, or set allowUnauthenticated'
  throw refused('host', `a loopback address such as 127.0.0.1 (${why})`, show(settings.host))
}

/** What it was bound by, it may be asked by: an address of the banner works as it is printed. */
function withOwnName(settings: ServerSettings): ServerSettings {
  const { host, allowHosts } = settings
  return host === '' ? settings : { ...settings, allowHosts: [...allowHosts, host] }
}
