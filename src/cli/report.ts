import { CommanderError } from 'commander'
import { SluiceError } from '../api/errors.js'
import { colours } from './colours.js'

/** How the process ends: 0 well, 1 by an error, 2 by a wrong command line. */
const failed = 1
const misused = 2
/** The second is a flag's too: `run --schema`. */
const misuses = ['ERR_INVALID_OPTION', 'ERR_INVALID_SCHEMA']
/** Of a chain of causes; a longer one repeats itself. */
const causesMax = 8

/**
 * Says what went wrong on stderr: one line, and one more for each cause that says something new.
 * With SLUICE_DEBUG the stacks too.
 * @returns the exit code
 */
export function report(error: unknown): number {
  // Commander has printed it already; its `errors` for --help and --version are none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : misused
  const code = error instanceof SluiceError ? error.code : ''
  const [what, ...causes] = chainOf(error)
  const lines = [
    `${colours.red('sluice:')} ${what}${code === '' ? '' : ` (${code})`}`,
    ...causes.map((cause) => `  because: ${cause}`),
  ]
  process.stderr.write(`${lines.join('\n')}\n`)
  if (process.env.SLUICE_DEBUG) console.error(error)
  return misuses.includes(code) ? misused : failed
}

/** What an error says, and after it each of its causes that it does not repeat. */
export function chainOf(error: unknown): string[] {
  const said: string[] = []
  const met = new Set<unknown>()
  const tell = (one: unknown): void => {
    if (one === undefined || one === null || met.has(one) || met.size > causesMax) return
    met.add(one)
    const words = wordsOf(one)
    if (!said.some((line) => line.includes(words))) said.push(words)
    if (!(one instanceof Error)) return
    if (one instanceof AggregateError) for (const part of one.errors) tell(part)
    tell(one.cause)
  }
  tell(error)
  return said.length === 0 ? [String(error)] : said
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || error.name // Node's own messages begin with their code
}
