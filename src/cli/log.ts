import { jsonLog } from './json-log.js'
import type { LifeEvents, Log } from './log-events.js'
import { type LogLevel, levelOf, logLevels } from './log-level.js'
import { logLine } from './log-line.js'

/** Writes to stderr; stdout is for the banner. */
export async function openLog(
  format: 'text' | 'json',
  level: LogLevel,
  out: { write(text: string): unknown } = process.stderr,
): Promise<Log> {
  if (format === 'json') return jsonLog(level, out)
  return textLog(level, out)
}

/** For people: a line a request, and of the server's life what the banner does not say. */
function textLog(level: LogLevel, out: { write(text: string): unknown }): Log {
  const tells = (one: LogLevel) => logLevels.indexOf(one) >= logLevels.indexOf(level)
  return {
    request(entry) {
      if (tells(levelOf(entry))) out.write(logLine(entry))
    },
    life(event, facts) {
      if (event !== 'draining' || !tells('info')) return
      const { replies, deadlineMs } = facts as LifeEvents['draining']
      if (replies === 0) return
      out.write(
        `sluice: ${replies} replies may go on for ${deadlineMs} ms; a second signal ends at once\n`,
      )
    },
  }
}
