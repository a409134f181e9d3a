/** Why a command ends early: a signal, or a reader of stdout that has left. */
export class Interruption {
  constructor(
    readonly code: number,
    readonly signal?: string,
  ) {}
}

/** Aborts at SIGINT or SIGTERM, with an Interruption as its reason. */
export function stopAtSignals(): AbortController {
  const stop = new AbortController()
  // Only the first of each: a second Ctrl-C ends the process at once, the system's way.
  process.once('SIGINT', () => stop.abort(new Interruption(130, 'SIGINT')))
  process.once('SIGTERM', () => stop.abort(new Interruption(143, 'SIGTERM')))
  return stop
}
