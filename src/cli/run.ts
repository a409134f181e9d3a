import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { CancelledError, InvalidOptionError } from '../api/errors.js'
import type { Engine } from '../engine/engine.js'
import { load } from '../engine/load.js'
import type { Reply } from '../engine/reply.js'
import type { runFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { isClosedPipe } from './closed-pipes.js'
import { loadOptions, pick, printWarning } from './load-options.js'
import { ProgressBar } from './progress.js'

type Flags = Settled<typeof runFlags>

/** `sluice run`: nothing but the reply goes to stdout. @returns the exit code */
export async function runCommand(argument: string | undefined, flags: Flags): Promise<number> {
  const prompt = await readPrompt(argument)
  const stop = stopper()
  try {
    const engine = await loaded(flags, stop.signal)
    try {
      await print(answer(engine, prompt, flags, stop.signal), stop.signal)
    } finally {
      await engine.close()
    }
    return 0
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error
    if (typeof stop.signal.reason === 'number') return stop.signal.reason
    throw stop.signal.reason
  }
}

async function readPrompt(argument: string | undefined): Promise<string> {
  const fromStdin = argument === '-' || (argument === undefined && !process.stdin.isTTY)
  const prompt = fromStdin ? await text(process.stdin) : (argument ?? '')
  if (prompt.trim() !== '') return prompt
  const found = fromStdin ? 'stdin was empty' : 'there was none'
  const expected = 'a prompt, as in: sluice run "Tell me a story", or one on stdin'
  throw new InvalidOptionError('prompt', `'prompt': expected ${expected}, but ${found}.`)
}

/** Aborts with the exit code as its reason, or with the error that stdout gave. */
function stopper(): AbortController {
  const stop = new AbortController()
  // Only the first of each: a second Ctrl-C ends the process at once, the system's way.
  process.once('SIGINT', () => stop.abort(130))
  process.once('SIGTERM', () => stop.abort(143))
  process.stdout.on('error', (error) => {
    stop.abort(isClosedPipe(error) ? 0 : error)
  })
  return stop
}

async function loaded(flags: Flags, signal: AbortSignal): Promise<Engine> {
  const progress = new ProgressBar('Loading')
  try {
    // One reply leaves nothing that is worth keeping.
    const cacheMiB = 0
    const tell = { onProgress: progress.update, onWarning: printWarning }
    return await load({ ...loadOptions(flags), cacheMiB, ...tell, signal })
  } finally {
    progress.clear()
  }
}

function answer(engine: Engine, prompt: string, flags: Flags, signal: AbortSignal): Reply {
  const options = { ...pick(flags, ['maxTokens']), signal }
  // A model that was not trained on conversations just goes on with the text.
  if (!engine.model.hasChatTemplate) return engine.complete(prompt, options)
  return engine.chat([{ role: 'user', content: prompt }], options)
}

async function print(reply: Reply, signal: AbortSignal): Promise<void> {
  try {
    for await (const part of reply) {
      if (!process.stdout.write(part.text)) await drained(signal)
    }
  } finally {
    if (process.stdout.isTTY) process.stdout.write('\n')
  }
}

/** Until stdout takes more; also when the signal fires, which the reply then reports. */
async function drained(signal: AbortSignal): Promise<void> {
  try {
    await once(process.stdout, 'drain', { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
