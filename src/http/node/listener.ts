import type { IncomingMessage, ServerResponse } from 'node:http'
import { App } from '../app.js'
import { answer } from '../dispatch.js'
import { type ListenerOptions, listenerSettings } from '../options.js'
import { Exchange } from './exchange.js'
import { StreamSendBuffer } from './send-buffer.js'

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
  const end = (exchange: Exchange) => {
    const { call } = exchange
    app.leave(call)
    const tallies = call.replies.map(({ tally }) => tally)
    const notes = app.toldNotes.places(call.notes)
    const entry = call.entry(exchange.status)
    app.tell(notes.length === 0 ? entry : { ...entry, notes }, tallies)
  }
  const onClose = (exchange: Exchange) => {
    if (exchange.call.isCounted) end(exchange)
    else void exchange.call.counted().then(() => end(exchange))
  }
  const sendBuffer = new StreamSendBuffer(app.settings.sendBufferBytes)
  const owner = { app, sendBuffer, onClose }
  return (req, res) => {
    const exchange = new Exchange(owner, req, res)
    app.enter(exchange.call)
    void serve(app, exchange)
  }
}

async function serve(app: App, exchange: Exchange): Promise<void> {
  const { call, res } = exchange
  try {
    if (res.headersSent) throw new Error('the response was begun before the listener got it')
    await exchange.send(await answer(app, call))
  } catch (error) {
    exchange.fail(error)
  } finally {
    call.end()
  }
}
