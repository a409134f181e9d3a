let stop: AbortController | undefined

/** Fires at the first SIGINT or SIGTERM; the second ends the process at once. One of a process. */
export function stopSignal(): AbortSignal {
  stop ??= listening(new AbortController())
  return stop.signal
}

function listening(controller: AbortController): AbortController {
  const onSignal = (name: NodeJS.Signals, number: number): void => {
    if (controller.signal.aborted) process.exit(128 + number)
    controller.abort(name)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller
}
