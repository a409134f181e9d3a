import { CancelledError } from '../../api/errors.js'
import { pull } from '../../engine/pull/pull.js'
import { refused } from '../../options/checks.js'
import { hubNameForm, isHubName, parseHubName } from '../../options/hub-name.js'
import { colours } from '../colours.js'
import { Interruption, stopAtSignals } from '../interruption.js'
import { PullProgressLine } from './pull-progress.js'

/** `sluice pull`: the path goes to stdout, all else to stderr. @returns the exit code */
export async function pullCommand(argument: string): Promise<number> {
  const name = hubNameGiven(argument)
  const { signal } = stopAtSignals()
  const progress = new PullProgressLine()
  try {
    const { path } = await pull(name, { onProgress: progress.update, signal })
    progress.clear()
    process.stdout.write(`${path}\n`)
    return 0
  } catch (error) {
    progress.clear()
    const { reason } = signal
    if (!(error instanceof CancelledError && reason instanceof Interruption)) throw error
    const words = 'stopped; what has come is kept, and the same command goes on from there'
    process.stderr.write(`${colours.yellow('sluice:')} ${words}\n`)
    return reason.code
  }
}

/** `hf:` may be left out where only a name can be meant. @throws InvalidOptionError */
export function hubNameGiven(argument: string): string {
  const name = isHubName(argument) ? argument : `hf:${argument}`
  if (parseHubName(name) === undefined) throw refused('model', hubNameForm, `'${argument}'`)
  return name
}
