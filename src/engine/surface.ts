/**
 * For what one of several calls in a row has thrown: the others shall be made all the same, and the
 * exception still surfaces, as an uncaught one (`process.on('uncaughtException')`, or the end of
 * the process).
 */
export function surface(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
