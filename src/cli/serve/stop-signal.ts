/** Fires at the first SIGINT or SIGTERM; the second ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController()
  const onSignal = (name: NodeJS.Signals, number: number): void => {
    if (controller.signal.aborted) process.exit(128 + number)
    controller.abort(name)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller.signal
}
