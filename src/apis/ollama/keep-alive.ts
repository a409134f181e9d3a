import * as z from 'zod'
import { isNumber } from '../../options/checks.js'

const expected = 'seconds, a duration such as "5m" or "1h30m", 0, or -1 for ever'

/** Milliseconds of each of Go's units. */
const units: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
}
const duration = /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)){1,8})$/
/** Some send a number as text. */
const numeral = /^-?\d{1,12}$/

/** Ollama's `keep_alive` as milliseconds: Infinity is ever. */
export const keepAlive = z.unknown().transform((given, context): number => {
  const ms = millisecondsOf(given)
  if (ms !== undefined) return ms < 0 ? Number.POSITIVE_INFINITY : ms
  context.issues.push({ code: 'custom', message: expected, path: [], input: given })
  return z.NEVER
})

function millisecondsOf(given: unknown): number | undefined {
  if (isNumber(given, -1e12, 1e12)) return given * 1000
  if (typeof given !== 'string') return undefined
  if (numeral.test(given)) return Number(given) * 1000
  const [, sign, parts = ''] = duration.exec(given) ?? []
  if (sign === undefined) return undefined
  const all = parts.matchAll(/([\d.]+)([a-zµ]+)/g)
  const sum = [...all].reduce((ms, [, count, unit = '']) => {
    return ms + Number(count) * (units[unit] ?? 0)
  }, 0)
  return sign === '-' ? -sum : sum
}
