import type { IncomingMessage, ServerResponse } from 'node:http'
import { App } from './app.js'
import { dispatch } from './dispatch.js'
import { Exchange } from './exchange.js'
import { type ListenerOptions, listenerSettings } from './options.js'

export type RequestListener = (req: IncomingMessage, res: ServerResponse) => void

/**
 * A `(req, res)` function for a server or framework of one's own. It must get requests whose body
 * nobody has read. What belongs to a whole server is then that server's: `createServer` also sets
 * timeouts, connection limits, the kernel's send buffer (without it a reader who stopped looks as
 * if it kept up for megabytes) and drains. Throws InvalidOptionError.
 */
export function requestListener(options: ListenerOptions): RequestListener {
  return listenerOf(new App(listenerSettings(options)))
}

export function listenerOf(app: App): RequestListener {
  const { readerStallMs } = app.settings
  const end = (exchange: Exchange) => {
    app.leave(exchange)
    const tallies = exchange.replies.map(({ tally }) => tally)
    app.tell(exchange.entry(), tallies)
  }
  const onClose = (exchange: Exchange) => {
    if (exchange.isCounted) end(exchange)
    else void exchange.counted().then(() => end(exchange))
  }
  return (req, res) => {
    const exchange = new Exchange(req, res, { readerStallMs, onClose })
    app.enter(exchange)
    void dispatch(app, exchange)
  }
}
