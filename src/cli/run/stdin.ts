import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { colours } from '../colours.js'
import { readText } from './text-input.js'

/** After this a reader who waits by mistake is told. */
const patienceMs = 3000

/**
 * The text on standard input; empty where that is a terminal, unless it is asked for.
 *
 * A program that starts another (child_process.exec, for one) often leaves its standard input open
 * and never writes. On Unix Node and ssh give a socket, a shell gives a pipe: from a socket the
 * first byte must come within 3 s, where there is a prompt to go on with.
 * @param isPrompt whether there is no other prompt
 */
export async function readStdin(isPrompt: boolean): Promise<string> {
  const { stdin } = process
  if (stdin.isTTY) return isPrompt ? readText(stdin, 'prompt', 'standard input') : ''
  const mayLeave = !isPrompt && isSocket()
  const isIdle = await idle(stdin)
  if (isIdle && mayLeave) {
    stdin.destroy()
    tell('nothing came on standard input within 3 s; it goes on with the prompt alone')
    return ''
  }
  if (isIdle) tell('waiting for standard input; with < /dev/null it has none')
  return readText(stdin, 'prompt', 'standard input')
}

/** Whether nothing has come for a while, not even the end. */
async function idle(stdin: Readable): Promise<boolean> {
  const patience = AbortSignal.timeout(patienceMs)
  try {
    await once(stdin, 'readable', { signal: patience })
    return false
  } catch {
    return patience.aborted // an error of the stream itself is told by who reads it
  }
}

function isSocket(): boolean {
  try {
    return fstatSync(0).isSocket()
  } catch {
    return false // closed: reading it says so
  }
}

function tell(words: string): void {
  process.stderr.write(`${colours.yellow('sluice:')} ${words}\n`)
}
