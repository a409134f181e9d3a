import { jsonLog } from './json-log.js'
import { isFault, type LifeEvents, type Log } from './log-events.js'
import { type LogLevel, levelOf, logLevels } from './log-level.js'
import { logLine } from './log-line.js'
import { type LogOut, stderrOut, WholeLines } from './serve/whole-lines.js'

/** Writes to stderr; stdout is for the banner. */
export async function openLog(
  format: 'text' | 'json',
  level: LogLevel,
  out: LogOut = stderrOut(),
): Promise<Log> {
  const lines = new WholeLines(out)
  if (format === 'json') return jsonLog(level, lines)
  return textLog(level, lines)
}

/** What the banner does not say. */
const lifeWords: { [E in keyof LifeEvents]?: (facts: LifeEvents[E]) => string | undefined } = {
  loaded: ({ model, durationMs, mib }) => {
    return `loaded ${model} in ${Math.round(durationMs)} ms, ${mib} MiB`
  },
  unloaded: ({ model, reason }) => `unloaded ${model} (${reason})`,
  failed: ({ model, error, retryMs }) => {
    return `${model} failed: ${error}; requests get that for ${Math.round(retryMs / 1000)} s`
  },
  crashed: ({ model, message, failed, kept, retryMs }) => {
    const then =
      retryMs === undefined ? 'and is not started again' : `started again in ${retryMs} ms`
    return `${model}: ${message}; ${failed} requests fail, ${kept} go on, ${then}`
  },
  reloaded: ({ file }) => `read ${file} again`,
  reload_failed: ({ file, error }) => `${file} is not taken, what was read before stays: ${error}`,
  draining: ({ replies, deadlineMs }) => {
    if (replies === 0) return undefined
    return `${replies} replies may go on for ${deadlineMs} ms; a second signal ends at once`
  },
}

/** For people: a line a request, and of the server's life what the banner does not say. */
function textLog(level: LogLevel, out: { write(text: string): unknown }): Log {
  const tells = (one: LogLevel) => logLevels.indexOf(one) >= logLevels.indexOf(level)
  return {
    request(entry) {
      if (tells(levelOf(entry))) out.write(logLine(entry))
    },
    life(event, facts) {
      if (!tells(isFault(event) ? 'error' : 'info')) return
      const words = lifeWords[event]?.(facts as never)
      if (words !== undefined) out.write(`sluice: ${words}\n`)
    },
  }
}
