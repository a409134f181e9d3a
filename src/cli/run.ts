import { once } from 'node:events'
import { CancelledError, InvalidReplyError } from '../api/errors.js'
import type { ChoiceResult } from '../api/types.js'
import type { CompiledSchema } from '../engine/compiled-schema.js'
import type { Engine } from '../engine/engine.js'
import type { Reply } from '../engine/reply.js'
import { refused } from '../options/checks.js'
import type { runFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { isClosedPipe } from './closed-pipes.js'
import { colours } from './colours.js'
import { withAllAdapters } from './flags/lora-flag.js'
import { Interruption, stopAtSignals } from './interruption.js'
import { pick } from './load-options.js'
import { loadWithProgress } from './load-with-progress.js'
import { whatCut } from './run/ending.js'
import { readSchema } from './run/form.js'
import { readPrompt } from './run/prompt.js'
import { readSystem } from './run/system.js'
import { visible } from './run/visible.js'

type Flags = Settled<typeof runFlags>

interface Request {
  readonly prompt: string
  readonly system: string | undefined
  readonly schema: CompiledSchema | undefined
}

/** `sluice run`: nothing but the reply goes to stdout. @returns the exit code */
export async function runCommand(argument: string | undefined, flags: Flags): Promise<number> {
  const request = await readRequest(argument, flags)
  const stop = stopper()
  try {
    // One reply leaves nothing that is worth keeping.
    const more = { cacheMiB: 0, signal: stop.signal }
    const engine = await loadWithProgress(flags, flags.model, more)
    try {
      return await answered(engine, request, flags, stop.signal)
    } finally {
      await engine.close()
    }
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error
    const { reason } = stop.signal
    if (!(reason instanceof Interruption)) throw reason
    if (reason.signal !== undefined) tell(`the reply was cut by ${reason.signal}`)
    return reason.code
  }
}

/** Before the model is loaded: a slip of the hand is told at once. */
async function readRequest(argument: string | undefined, flags: Flags): Promise<Request> {
  const system = await readSystem(flags)
  const schema = flags.schema === undefined ? undefined : await readSchema(flags.schema)
  return { prompt: await readPrompt(argument, flags.file), system, schema }
}

/** Aborts with an Interruption as its reason, or with the error that stdout gave. */
function stopper(): AbortController {
  const stop = stopAtSignals()
  process.stdout.on('error', (error) => {
    stop.abort(isClosedPipe(error) ? new Interruption(0) : error)
  })
  return stop
}

/** Prints the reply. @returns the exit code: 1 where it is not what --schema asks for */
async function answered(
  engine: Engine,
  request: Request,
  flags: Flags,
  signal: AbortSignal,
): Promise<number> {
  const reply = answer(engine, request, flags, signal)
  if (!flags.json) await print(reply, signal)
  const { choices: _, ...result } = await reply.done
  const object = request.schema === undefined ? undefined : await objectOf(reply)
  if (flags.json) await write(asJson(engine, result, object), signal)
  const cut = whatCut(result, {
    context: engine.settings.context,
    maxTokens: flags.maxTokens,
    model: engine.model,
  })
  const isMissed = request.schema !== undefined && object === undefined
  const missed = isMissed ? ['it does not keep to --schema'] : []
  const words = [...(cut === undefined ? [] : [cut]), ...missed]
  if (words.length > 0) tell(words.join('; '))
  return isMissed ? 1 : 0
}

/** Undefined where the reply has none: it was cut. */
async function objectOf(reply: Reply): Promise<unknown> {
  try {
    return await reply.object()
  } catch (error) {
    if (error instanceof InvalidReplyError) return undefined
    throw error
  }
}

/** One line; what keeps to a schema is there as a value too. */
function asJson(engine: Engine, result: ChoiceResult, object: unknown): string {
  return `${JSON.stringify({ model: engine.model.id, ...result, object })}\n`
}

function answer(engine: Engine, request: Request, flags: Flags, signal: AbortSignal): Reply {
  const { prompt, system, schema } = request
  const form = schema === undefined ? {} : { schema }
  const options = {
    ...pick(flags, ['maxTokens']),
    ...form,
    ...withAllAdapters(engine.settings),
    signal,
  }
  if (engine.model.hasChatTemplate) {
    const before = system === undefined ? [] : [{ role: 'system' as const, content: system }]
    return engine.chat([...before, { role: 'user', content: prompt }], options)
  }
  if (system !== undefined) {
    const flag = flags.system === undefined ? '--system-file' : '--system'
    const came = `${engine.model.id}, which has none and just goes on with a text`
    throw refused(flag, 'a model with a chat template', came)
  }
  return engine.complete(prompt, options)
}

async function print(reply: Reply, signal: AbortSignal): Promise<void> {
  const shown = process.stdout.isTTY ? visible : String
  try {
    for await (const part of reply) await write(shown(part.text), signal)
  } finally {
    if (process.stdout.isTTY) process.stdout.write('\n')
  }
}

/** Waits until stdout takes more; also until the signal fires, which the reply then reports. */
async function write(text: string, signal: AbortSignal): Promise<void> {
  if (process.stdout.write(text)) return
  try {
    await once(process.stdout, 'drain', { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function tell(words: string): void {
  process.stderr.write(`${colours.yellow('sluice:')} ${words}\n`)
}
