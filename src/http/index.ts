/**
 * OpenAI's API over HTTP: a server of its own, a listener for yours, or a function from a Request
 * to its Response.
 *
 * @module sluice/http
 */

export type { AccessEntry } from '../web/access-log.js'
export { describeFault, type Fault } from './fault.js'
export { type FetchHandler, fetchHandler } from './fetch/handler.js'
export type { MetricsNames } from './metrics/names.js'
export { type RequestListener, requestListener } from './node/listener.js'
export { type Address, createServer, SluiceServer } from './node/server.js'
export type {
  DrainOptions,
  FetchHandlerOptions,
  ListenerOptions,
  ServerOptions,
} from './options.js'
