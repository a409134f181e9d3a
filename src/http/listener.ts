import type { IncomingMessage, ServerResponse } from 'node:http'
import { guarded } from '../engine/callbacks.js'
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
  // Where a response closes, nothing would catch what it throws.
  const log = guarded('onLog', onLog, faultText)
  const onClose = (exchange: Exchange) => {
    app.leave(exchange)
    const entry = exchange.entry()
    app.metrics.observe(entry, exchange.results)
    log(entry)
  }
  return (req, res) => {
    const exchange = new Exchange(req, res, { readerStallMs, onClose })
    app.enter(exchange)
    void dispatch(app, exchange)
  }
}

function warnOfFaults({ error, requestId }: { error: unknown; requestId: string }): void {
  if (error === undefined) return
  process.emitWarning(`request ${requestId} failed`, {
    code: 'SLUICE_REQUEST',
    detail: faultText(error),
  })
}

function faultText(thrown: unknown): string {
  const { name, stack } = describeFault(thrown)
  return `${name}\n${stack}`
}
