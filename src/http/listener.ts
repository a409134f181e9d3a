import type { IncomingMessage, ServerResponse } from 'node:http'
import { App } from './app.js'
import { dispatch } from './dispatch.js'
import { Exchange } from './exchange.js'
import { type ListenerOptions, listenerSettings } from './options.js'

export type RequestListener = (req: IncomingMessage, res: ServerResponse) => void

/**
 * A `(req, res)` function for a server or framework of one's own. Where something in front has
 * read the body (`express.json()`, Fastify's or Next's parser), it takes `req.body`: what was
 * parsed, a string or bytes; without it, such a request is a 400. What belongs to a whole server is
 * then that server's: `createServer` also limits connections and the time of headers, answers what
 * is no HTTP, and drains. Throws InvalidOptionError.
 */
export function requestListener(options: ListenerOptions): RequestListener {
  return listenerOf(new App(listenerSettings(options)))
}

export function listenerOf(app: App): RequestListener {
  const { readerStallMs } = app.settings
  const end = (exchange: Exchange) => {
    app.leave(exchange)
    const tallies = exchange.replies.map(({ tally }) => tally)
    const notes = app.toldNotes.places(exchange.notes)
    const entry = exchange.entry()
    app.tell(notes.length === 0 ? entry : { ...entry, notes }, tallies)
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
