import { type AccessEntry, describeFault } from '../http/index.js'
import { isFault, type Log } from './log-events.js'
import { type LogLevel, levelOf } from './log-level.js'

/** For machines: a line of JSON an event, by pino, which is loaded only where it is wanted. */
export async function jsonLog(
  level: LogLevel,
  out: { write(text: string): unknown },
): Promise<Log> {
  const { pino, stdTimeFunctions } = await import('pino')
  const lines = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => void out.write(line) },
  )
  return {
    request: (entry) => lines[levelOf(entry)](fieldsOf(entry), 'request'),
    life: (event, facts) => {
      lines[isFault(event) ? 'error' : 'info'](facts as object, event as string)
    },
  }
}

/** What is undefined has no field. */
function fieldsOf(entry: AccessEntry): object {
  const { requestId, error, ...rest } = entry
  const fault = error === undefined ? undefined : describeFault(error)
  return { requestId, ...rest, durationMs: Math.round(entry.durationMs * 10) / 10, fault }
}
