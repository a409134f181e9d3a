/**
 * The program of an engine's own process. Its parent starts it by `fork` and says in the first
 * message what to load. It imports as little as it can: the addon is opened by its path.
 */
import { createRequire } from 'node:module'
import type { NativeAddon } from '../binding/native.js'
import type { FromEngine, StartMessage, ToEngineBatch } from './messages.js'
import { ServedEngine } from './served-engine.js'

// A terminal's Ctrl-C, and a service manager's SIGTERM, reach every process. The parent says when
// this one is to end: replies may go on until they are done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

// The parent has left, or was killed: at once, without waiting for the engine's threads.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))

process.title = 'sluice engine'

const send = (message: FromEngine, isLast: boolean): void => {
  process.send?.(message, undefined, undefined, () => {
    if (isLast) process.exit(0)
  })
}

let engine: ServedEngine | undefined

function start({ file, folders, options, ...pace }: StartMessage): ServedEngine {
  const addon = createRequire(file)(file) as NativeAddon
  addon.loadBackends(folders)
  return new ServedEngine((wake) => new addon.Engine(options, wake), pace, send)
}

process.on('message', (message: StartMessage | ToEngineBatch) => {
  if (engine === undefined) engine = start(message as StartMessage)
  else engine.receive(message as ToEngineBatch)
})
