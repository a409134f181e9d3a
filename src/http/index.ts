/**
 * OpenAI's API over HTTP: a server of its own, or a listener for yours.
 *
 * @module sluice/http
 */

export type { AccessEntry } from '../web/access-log.js'
export { describeFault, type Fault } from './fault.js'
export { type RequestListener, requestListener } from './node/listener.js'
export { type Address, createServer, SluiceServer } from './node/server.js'
export type { DrainOptions, ListenerOptions, ServerOptions } from './options.js'
