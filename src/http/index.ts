export type { AccessEntry } from './access-log.js'
export { type RequestListener, requestListener } from './listener.js'
export type { ListenerOptions, ServerOptions } from './options.js'
export { type Address, createServer, SluiceServer } from './server.js'
