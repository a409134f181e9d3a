/**
 * process.exit() and an uncaught exception on the main thread run no cleanup hooks of the addon,
 * and an engine thread that still computes while static objects are destroyed crashes. So every
 * open engine is ended on 'exit'.
 */
interface Terminable {
  terminate(): void
}

const openEngines = new Set<Terminable>()

function terminateAll(): void {
  for (const engine of openEngines) engine.terminate()
  openEngines.clear()
}

export function rememberOpen(engine: Terminable): void {
  if (openEngines.size === 0) process.once('exit', terminateAll)
  openEngines.add(engine)
}

export function forgetOpen(engine: Terminable): void {
  openEngines.delete(engine)
  if (openEngines.size === 0) process.off('exit', terminateAll)
}
