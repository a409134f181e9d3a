import { z } from 'zod'
import type { ChatMessage } from '../../engine/types.js'
import { arrayOf, optional, unsupported } from '../fields.js'
import { toolCall } from './tools.js'

const roles = ['developer', 'system', 'user', 'assistant', 'tool'] as const
const roleError = roles.map((role) => `"${role}"`).join(', ')
const contentError = 'a string, or an array of text parts'

const partError = '"text" (only text parts are supported yet)'
const partsMax = 1024
/** Of one message. */
const callsMax = 1024

/**
 * Joined by line breaks, as llama.cpp joins parts for templates that know only text. Not by a zod
 * schema of a part: tens of thousands of them fit into a body.
 */
const parts = z
  .array(z.unknown(), { error: contentError })
  .max(partsMax, { error: `at most ${partsMax} text parts` })
  .transform((all, context) => {
    const texts: string[] = []
    for (const [i, part] of all.entries()) {
      const text = textOf(part)
      if (typeof text !== 'string') {
        const { expected, path } = text
        context.issues.push({ code: 'custom', message: expected, path: [i, ...path], input: all })
        return z.NEVER
      }
      texts.push(text)
    }
    return texts.join('\n')
  })

/** The text of a part, or what is wrong with it. */
function textOf(part: unknown): string | { expected: string; path: string[] } {
  if (typeof part !== 'object' || part === null) return { expected: partError, path: [] }
  const { type } = part as { type?: unknown }
  // A refusal is what an assistant's earlier turn may hold in place of text.
  if (type !== 'text' && type !== 'refusal') return { expected: partError, path: ['type'] }
  const text = (part as Record<string, unknown>)[type]
  return typeof text === 'string' ? text : { expected: 'a string', path: [type] }
}

const content = z.union([z.string(), parts], { error: contentError })

/** One message of a conversation, as the engine takes it. */
export const chatMessage = z
  .object(
    {
      role: z.enum(roles, { error: `one of ${roleError}` }),
      content: content.nullish(),
      tool_calls: optional(arrayOf(toolCall, 0, callsMax, 'tool calls')),
      tool_call_id: optional(z.string({ error: 'the id of a tool call' })),
      // Of a tool; who else speaks is nothing that templates know.
      name: optional(z.string({ error: 'a string' })),
      reasoning_content: optional(z.string({ error: 'a string' })),
      function_call: unsupported('no function_call (functions are not supported)'),
      audio: unsupported('no audio (only text is supported)'),
    },
    { error: 'an object such as {"role": "user", "content": "..."}' },
  )
  // An assistant's earlier turn may be empty; anybody else's would be a mistake.
  .refine((message) => typeof message.content === 'string' || message.role === 'assistant', {
    path: ['content'],
    error: contentError,
  })
  .refine(({ role, tool_calls: calls = [] }) => role === 'assistant' || calls.length === 0, {
    path: ['tool_calls'],
    error: 'no tool_calls (only an assistant calls tools)',
  })
  .refine(({ role, tool_call_id: id }) => role !== 'tool' || id !== undefined, {
    path: ['tool_call_id'],
    error: 'the id of the tool call that is answered',
  })
  .transform((message): ChatMessage => {
    const { role, content, name, reasoning_content: reasoning } = message
    const { tool_calls: toolCalls = [], tool_call_id: toolCallId } = message
    return {
      role,
      content: content ?? '',
      ...(reasoning === undefined ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
      ...(role === 'tool' && toolCallId !== undefined ? { toolCallId } : {}),
      ...(role === 'tool' && name !== undefined ? { name } : {}),
    }
  })
