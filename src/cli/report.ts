import { CommanderError } from 'commander'
import { SluiceError } from '../engine/errors.js'
import { colours } from './colours.js'

/** How the process ends: 0 well, 1 by an error, 2 by a wrong command line. */
const failed = 1
const misused = 2

/**
 * Says what went wrong in one line on stderr, with SLUICE_DEBUG the stack too.
 * @returns the exit code
 */
export function report(error: unknown): number {
  // Commander has printed it already; its `errors` for --help and --version are none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : misused
  const { message, code } = wordsOf(error)
  process.stderr.write(`${colours.red('sluice:')} ${message}${code === '' ? '' : ` (${code})`}\n`)
  if (process.env.SLUICE_DEBUG) console.error(error)
  return code === 'ERR_INVALID_OPTION' ? misused : failed
}

function wordsOf(error: unknown): { message: string; code: string } {
  if (error instanceof SluiceError) return { message: error.message, code: error.code }
  if (!(error instanceof Error)) return { message: String(error), code: '' }
  // Node's own messages begin with their code.
  return { message: error.message || error.name, code: '' }
}
