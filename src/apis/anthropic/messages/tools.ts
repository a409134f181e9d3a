import * as z from 'zod'
import type { ToolChoice } from '../../../api/types.js'
import { choiceOf, isRecord } from '../../../options/other-words/tool-choice.js'
import { leftOutTool, readFunction, type ToolReading, toolList } from '../../tool-list.js'

const toolError = 'an object such as {"name": "get_weather", "input_schema": {...}}'

/**
 * Tools of a client's own. Those that Anthropic's servers run, and those whose schema only its
 * models know (`bash_20250124`), are left out.
 */
function readTool(given: unknown, at: string): ToolReading {
  if (!isRecord(given)) return { expected: toolError, path: [] }
  const { type, input_schema: schema } = given
  const isOwn = type === undefined || type === null || type === 'custom'
  if (!isOwn && typeof type !== 'string') return { expected: '"custom"', path: ['type'] }
  if (!isOwn && schema === undefined) return leftOutTool(type, at, 'a tool with an input_schema')
  return readFunction(given, [], at, 'input_schema')
}

export const tools = toolList(readTool)

const choiceError =
  'an object such as {"type": "auto"}, {"type": "any"}, {"type": "none"} or ' +
  '{"type": "tool", "name": "get_weather"}'

export interface Chosen {
  readonly choice: ToolChoice
  /** One call at most. */
  readonly isAlone: boolean | undefined
  /** As the request has it. */
  readonly type: unknown
}

export const toolChoice = z.unknown().transform((given, context): Chosen => {
  const choice = isRecord(given) ? choiceOf(given) : undefined
  const isAlone = isRecord(given) ? (given.disable_parallel_tool_use ?? undefined) : undefined
  if (choice === undefined) {
    context.issues.push({ code: 'custom', message: choiceError, path: [], input: given })
    return z.NEVER
  }
  if (isAlone !== undefined && typeof isAlone !== 'boolean') {
    const path = ['disable_parallel_tool_use']
    context.issues.push({ code: 'custom', message: 'true or false', path, input: given })
    return z.NEVER
  }
  return { choice, isAlone, type: (given as { type?: unknown }).type } satisfies Chosen
})
