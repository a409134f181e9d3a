import type { OpenAiMessage } from '../api/openai-types.js'
import type { SchemaOutput } from '../api/standard-schema.js'
import type { ToolRunOptions } from '../api/tool-types.js'
import type { ChatMessage } from '../api/types.js'
import { atCaller } from '../engine/call-site.js'
import type { Engine } from '../engine/engine.js'
import { wrong } from '../options/checks.js'
import { parseToolRunOptions } from '../options/tools/tool-run-options.js'
import { ToolRun } from './tool-run.js'

/**
 * Answers a conversation with the help of tools: has the model reply, runs what it calls, tells it
 * what came of that, and goes on until a reply calls nothing. Calls of one reply run at once.
 *
 * What goes wrong with a call is told to the model, which may mend it, and to the program
 * (`toolResult.error`): a tool that throws or takes too long, a name that no tool has, arguments
 * that its schema refuses, a result that is neither text nor JSON.
 *
 * `toolChoice` that forces a call counts for the first reply; later ones may answer. Each reply's
 * prompt begins with the one before it, which is not computed again (`usage.cachedTokens`).
 *
 * Throws as `engine.chat` does, for the same reasons; everything else reaches the run's reader.
 */
export function runTools<Tools extends Record<string, unknown>, Schema extends object = object>(
  engine: Engine,
  messages: readonly (ChatMessage | OpenAiMessage)[],
  options: ToolRunOptions<Tools, Schema>,
): ToolRun<SchemaOutput<Schema>> {
  return atCaller(() => {
    if (typeof (engine as Partial<Engine> | null)?.chat !== 'function') {
      throw wrong('engine', 'what load() resolves with, first of all', engine)
    }
    return new ToolRun(engine, messages, parseToolRunOptions(options))
  })
}
