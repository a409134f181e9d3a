import type { IncomingMessage, ServerResponse } from 'node:http'
import { surface } from '../engine/surface.js'
import type { AccessEntry } from './access-log.js'
import { App } from './app.js'
import { dispatch } from './dispatch.js'
import { Exchange } from './exchange.js'
import { describeFault } from './fault.js'
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
  const { readerStallMs, onLog = warnOfFaults } = app.settings
  const onClose = (exchange: Exchange) => {
    app.leave(exchange)
    const entry = exchange.entry()
    try {
      app.metrics.observe(entry, exchange.results)
    } catch (error) {
      surface(error) // the log hears of it all the same
    }
    onLog(entry)
  }
  return (req, res) => {
    const exchange = new Exchange(req, res, { readerStallMs, onClose })
    app.enter(exchange)
    void dispatch(app, exchange)
  }
}

function warnOfFaults({ error, code, requestId }: AccessEntry): void {
  // Of the engine everybody is told once: see onEngineError.
  if (error === undefined || code === 'load_failed' || code === 'engine_ended') return
  const { name, stack } = describeFault(error)
  process.emitWarning(`request ${requestId} failed`, {
    code: 'SLUICE_REQUEST',
    detail: `${name}\n${stack}`,
  })
}
