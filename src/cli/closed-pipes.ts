import { report } from './report.js'

/** Of a pipe or socket whose other end is closed; Node's own name for it on Windows is EOF. */
const closedCodes = ['EPIPE', 'ECONNRESET', 'EOF', 'ERR_STREAM_DESTROYED']

export function isClosedPipe(error: unknown): boolean {
  return closedCodes.includes((error as NodeJS.ErrnoException | null)?.code ?? '')
}

/**
 * Without a listener, a write to a closed pipe ends the process with a stack trace. A reader of
 * stdout may have enough, as `head` has: that is no error. That stderr cannot be written cannot be
 * reported anywhere: the command goes on without its log.
 */
export function mindClosedPipes(): void {
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error) => {
    // `run` has a listener of its own.
    const isOurs = process.stdout.listenerCount('error') === 1
    if (isOurs && !isClosedPipe(error)) process.exitCode = report(error)
  })
}
