import * as z from 'zod'
import type { ToolChoice } from '../../../api/types.js'
import { choiceOf, isRecord } from '../../../options/other-words/tool-choice.js'
import { leftOutTool, readFunction, type ToolReading, toolList } from '../../tool-list.js'

const toolError = 'an object such as {"type": "function", "function": {...}}'
const functionError = 'an object such as {"name": "get_weather", "parameters": {...}}'
/** @param at where the request has it */
export function readTool(given: unknown, at: string): ToolReading {
  if (!isRecord(given)) return { expected: toolError, path: [] }
  const { type } = given
  if (typeof type === 'string' && type !== 'function') {
    return leftOutTool(type, at, 'a tool of type "function"')
  }
  if (type !== undefined && type !== null && type !== 'function') {
    return { expected: '"function"', path: ['type'] }
  }
  const isWrapped = given.function !== undefined && given.function !== null
  if (!isWrapped && given.name === undefined) {
    if (type === undefined) return { expected: '"function"', path: ['type'] }
    return { expected: functionError, path: ['function'] }
  }
  const one = isWrapped ? given.function : given
  const path = isWrapped ? ['function'] : []
  if (!isRecord(one)) return { expected: functionError, path }
  return readFunction(one, path, isWrapped ? `${at}.function` : at, 'parameters')
}

/**
 * As OpenAI has them, and as other providers do: without "type", without "function" around them,
 * and with their schema in "input_schema" or "inputSchema".
 */
export const wireTools = toolList(readTool)

const choiceError =
  '"auto", "none", "required", {"type": "function", "function": {"name": ...}} or ' +
  '{"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [...]}}'

export const toolChoice = z.unknown().transform((given, context): ToolChoice => {
  const choice = choiceOf(given)
  if (choice !== undefined) return choice
  context.issues.push({ code: 'custom', message: choiceError, path: [], input: given })
  return z.NEVER
})
