import os from 'node:os'
import path from 'node:path'
import { CancelledError, InvalidOptionError } from '../../api/errors.js'
import type { Engine } from '../../engine/engine.js'
import { refused } from '../../options/checks.js'
import type { chatFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import { isClosedPipe } from '../closed-pipes.js'
import { coloursFor } from '../colours.js'
import { Interruption, stopAtSignals } from '../interruption.js'
import { loadWithProgress } from '../load-with-progress.js'
import { readSystem } from '../run/system.js'
import { InputHistory, stateFolder } from './history.js'
import { ChatSession } from './session.js'
import { ChatSettings } from './settings.js'

type Flags = Settled<typeof chatFlags>

/** `sluice chat`: a conversation on the terminal. @returns the exit code */
export async function chatCommand(argument: string | undefined, flags: Flags): Promise<number> {
  checkTerminal()
  const system = await readSystem(flags)
  const stop = stopAtSignals()
  process.stdout.on('error', (error) => {
    stop.abort(isClosedPipe(error) ? new Interruption(0) : error)
  })
  try {
    const more = { parallel: 1, signal: stop.signal }
    const engine = await loadWithProgress(flags, argument ?? flags.model, more)
    try {
      await talk(engine, { flags, system, signal: stop.signal })
      return 0
    } finally {
      await engine.close()
    }
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error
    const { reason } = stop.signal
    if (!(reason instanceof Interruption)) throw reason
    return reason.code
  }
}

interface Talk {
  readonly flags: Flags
  readonly system: string | undefined
  readonly signal: AbortSignal
}

async function talk(engine: Engine, { flags, system, signal }: Talk): Promise<void> {
  checkChats(engine)
  const session = new ChatSession({
    ...{ engine, system, signal },
    settings: new ChatSettings(engine.settings, flags),
    history: flags.noHistory ? undefined : inputHistory(),
    input: process.stdin,
    output: process.stdout,
    style: coloursFor(process.stdout),
    isDumb: process.env.TERM === 'dumb',
  })
  await session.run()
}

function inputHistory(): InputHistory {
  const folder = stateFolder(process.platform, process.env, os.homedir())
  const style = coloursFor(process.stderr)
  return new InputHistory(path.join(folder, 'chat-history'), (words) => {
    process.stderr.write(`${style.yellow('sluice:')} ${words}\n`)
  })
}

/** Before the model is loaded. @throws InvalidOptionError */
function checkTerminal(): void {
  const piped = process.stdin.isTTY ? 'stdout' : 'stdin'
  if (process.stdin.isTTY && process.stdout.isTTY) return
  const message =
    `${piped}: expected a terminal, but it is a file or a pipe. To have one prompt answered: ` +
    'sluice run "Tell me a story", or a text on its stdin.'
  throw new InvalidOptionError(piped, message)
}

/** @throws InvalidOptionError for a model that cannot talk */
function checkChats({ model }: Engine): void {
  if (model.embedding !== undefined) {
    throw refused('--model', 'a model that generates text', `${model.id}, which embeds`)
  }
  if (!model.hasChatTemplate) {
    const came = `${model.id}, which has none; sluice run goes on with a text`
    throw refused('--model', 'a model with a chat template, or --chat-template-file', came)
  }
}
