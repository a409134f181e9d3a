/**
 * process.exit() and an uncaught exception on the main thread run no cleanup hooks of the addon,
 * and an engine thread that still computes while static objects are destroyed crashes. So every
 * open engine is ended on 'exit', before any other listener: one that throws, or calls
 * process.exit(), keeps those behind it from being called. For one that is put in front later, and
 * for process.reallyExit(), the addon has a handler of its own (native/addon/exit-guard.h).
 */
interface Terminable {
  close(): void
  terminate(): void
}

const openEngines = new Set<Terminable>()

function terminateAll(): void {
  const failures: unknown[] = []
  const attempt = (run: () => void) => {
    try {
      run()
    } catch (error) {
      failures.push(error) // thrown once all have been ended
    }
  }
  for (const engine of openEngines) attempt(() => engine.close()) // all of them at once
  for (const engine of openEngines) attempt(() => engine.terminate())
  openEngines.clear()
  if (failures.length > 0) throw failures[0]
}

export function rememberOpen(engine: Terminable): void {
  if (openEngines.size === 0) process.prependOnceListener('exit', terminateAll)
  openEngines.add(engine)
}

export function forgetOpen(engine: Terminable): void {
  openEngines.delete(engine)
  if (openEngines.size === 0) process.off('exit', terminateAll)
}
