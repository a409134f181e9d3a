import { ToolError } from '../api/errors.js'
import { isError } from '../api/realms.js'
import { reasonOf, show } from '../api/show.js'
import type { ToolContext, ToolResult } from '../api/tool-types.js'
import type { ChatMessage, ToolCall } from '../api/types.js'
import { onAbort } from '../engine/abort-signals.js'
import { issuesText } from '../engine/reply/object.js'
import type { ParsedTool } from '../options/tools/tool-run-options.js'
import { resultText } from './tool-result.js'

/** What the calls of one reply are run with. */
interface CallSettings {
  readonly tools: ReadonlyMap<string, ParsedTool>
  readonly messages: readonly ChatMessage[]
  readonly concurrency: number
  /** Aborted when the run ends: what is under way is left, what waits is not begun. */
  readonly signal: AbortSignal
}

/** Runs calls, so many at once, and yields what became of each as soon as it is done. */
export async function* runCalls(
  calls: readonly ToolCall[],
  settings: CallSettings,
): AsyncGenerator<[ToolCall, ToolResult], undefined> {
  const waiting = [...calls]
  const running = new Map<ToolCall, Promise<[ToolCall, ToolResult]>>()
  for (;;) {
    while (running.size < settings.concurrency) {
      const call = waiting.shift()
      if (call === undefined) break
      running.set(
        call,
        runCall(call, settings).then((result) => [call, result]),
      )
    }
    if (running.size === 0) return
    const settled = await Promise.race(running.values())
    running.delete(settled[0])
    yield settled
  }
}

/** Never rejects: what goes wrong is a result as well. */
async function runCall(call: ToolCall, settings: CallSettings): Promise<ToolResult> {
  const since = performance.now()
  const read = { arguments: undefined as unknown, value: undefined as unknown }
  const settled = (content: string, error?: ToolError): ToolResult => ({
    toolCallId: call.id,
    name: call.name,
    ...read,
    content,
    ...(error === undefined ? {} : { error }),
    durationMs: performance.now() - since,
  })
  try {
    const tool = toolOf(call, settings.tools)
    const content = await within(call, tool, settings, async (context) => {
      const given = await argumentsOf(call, tool)
      read.arguments = given
      const value = await tool.run?.(given, context)
      const text = await resultText(call.name, value, context.signal)
      read.value = value
      return text
    })
    return settled(content)
  } catch (cause) {
    read.value = undefined
    const error = cause instanceof ToolError ? cause : failed(cause)
    return settled(`Error: ${error.message}`, error)
  }
}

function toolOf({ name }: ToolCall, tools: ReadonlyMap<string, ParsedTool>): ParsedTool {
  const tool = tools.get(name)
  if (tool !== undefined) return tool
  const names = [...tools.keys()].join(', ')
  const message = `there is no tool ${show(name)}; there are: ${names}`
  throw new ToolError('unknown-tool', message)
}

async function argumentsOf(
  { name, arguments: text }: ToolCall,
  tool: ParsedTool,
): Promise<unknown> {
  const refused = (why: string, cause?: unknown) => {
    const message = `the arguments of ${name} are not what it takes: ${why}`
    return new ToolError('invalid-arguments', message, { cause })
  }
  let given: unknown
  try {
    given = text.trim() === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw refused(`expected JSON (${reasonOf(cause)})`, cause)
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw refused(`expected an object, but got ${show(given)}`)
  }
  const checked = await validated(tool, given).catch((cause: unknown) => {
    throw refused(`an error of its schema's validation (${reasonOf(cause)})`, cause)
  })
  if (checked?.issues !== undefined) throw refused(issuesText(checked.issues))
  return checked === undefined ? given : checked.value
}

async function validated({ standard }: ParsedTool, given: object) {
  return standard?.['~standard'].validate(given)
}

/** Has a call done within its time and as long as the run goes on; its signal tells it. */
async function within(
  { id: toolCallId, name }: ToolCall,
  { timeoutMs }: ParsedTool,
  { signal, messages }: CallSettings,
  start: (context: ToolContext) => Promise<string>,
): Promise<string> {
  const cancelled = () => new ToolError('cancelled', `${name} was cancelled before it was done`)
  if (signal.aborted) throw cancelled()
  const own = new AbortController()
  let rest = () => undefined as unknown
  const left = new Promise<never>((_, reject) => {
    const leave = (reason: unknown, error: ToolError) => {
      own.abort(reason)
      reject(error)
    }
    const stop = onAbort(signal, () => leave(signal.reason, cancelled()))
    const timer = after(timeoutMs, () => {
      const message = `${name} took longer than ${timeoutMs} ms`
      leave(new DOMException(message, 'TimeoutError'), new ToolError('timeout', message))
    })
    rest = () => {
      clearTimeout(timer)
      stop()
    }
  })
  try {
    const context = { signal: own.signal, toolCallId, messages, timeoutMs }
    return await Promise.race([left, start(context)])
  } finally {
    rest()
  }
}

function after(ms: number | undefined, callback: () => void): NodeJS.Timeout | undefined {
  return ms === undefined ? undefined : setTimeout(callback, ms)
}

/** What a tool threw, in its own words: the model may mend its call by them. */
function failed(cause: unknown): ToolError {
  return new ToolError('failed', wordsOf(cause), { cause })
}

function wordsOf(thrown: unknown): string {
  if (typeof thrown === 'string' && thrown !== '') return thrown
  try {
    if (isError(thrown) && thrown.message !== '') return thrown.message
  } catch {
    return reasonOf(thrown) // a getter's or a Proxy's error
  }
  return reasonOf(thrown)
}
