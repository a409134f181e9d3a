import { z } from 'zod'
import type { ChatMessage, PastToolCall } from '../../../api/types.js'
import { arrayOf, isEmptyArray, optional, unsupported } from '../../fields.js'
import { functionCall, toolCall } from './calls.js'
import { isTool, readContent } from './content.js'

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function'] as const
const roleError = roles.map((role) => `"${role}"`).join(', ')

/** Of one message. */
const callsMax = 1024
/** Of a conversation: each is looked at by itself. */
const callsOfAllMax = 16_384

/** Thoughts by the names that servers have for them; no string is nothing that was thought. */
const thoughts = optional(z.unknown()).transform((value) => {
  return typeof value === 'string' ? value : undefined
})

interface GivenMessage {
  readonly role: (typeof roles)[number]
  readonly content?: unknown
  readonly tool_calls?: PastToolCall[] | undefined
  readonly function_call?: PastToolCall | undefined
  readonly tool_call_id?: string | undefined
  readonly name?: string | undefined
  readonly reasoning_content?: string | undefined
  readonly reasoning?: string | undefined
}

/** One message of a conversation, as the engine takes it. Unknown fields pass. */
const chatMessage = z
  .object(
    {
      role: z.enum(roles, { error: `one of ${roleError}` }),
      content: optional(z.unknown()),
      tool_calls: optional(arrayOf(toolCall, 0, callsMax, 'tool calls')),
      // OpenAI's names for calls and answers before there were tools.
      function_call: optional(functionCall),
      tool_call_id: optional(z.string({ error: 'the id of a tool call' })),
      // Of a tool; who else speaks is nothing that templates know.
      name: optional(z.string({ error: 'a string' })),
      reasoning_content: optional(z.string({ error: 'a string' })),
      reasoning: thoughts,
      audio: unsupported('no audio (only text is supported)'),
      images: unsupported('no images (only text is supported)', isEmptyArray), // Ollama's
    },
    { error: 'an object such as {"role": "user", "content": "..."}' },
  )
  .refine(({ role, tool_calls: calls = [] }) => role === 'assistant' || calls.length === 0, {
    path: ['tool_calls'],
    error: 'no tool_calls (only an assistant calls tools)',
  })
  .refine(
    ({ role, function_call: call }) => {
      return role === 'assistant' || isTool(role) || call === undefined
    },
    { path: ['function_call'], error: 'no function_call (only an assistant calls functions)' },
  )
  .transform((message, context): ChatMessage => {
    const said = readContent(message.content, message.role)
    if (!('expected' in said)) return messageOf(message, said.text, said.thoughts)
    context.issues.push({
      code: 'custom',
      message: said.expected,
      path: ['content', ...said.path],
      input: message,
    })
    return z.NEVER
  })

function hasFewCalls(messages: unknown): boolean {
  if (!Array.isArray(messages)) return true
  let calls = 0
  for (const one of messages as ({ tool_calls?: unknown } | null)[]) {
    if (Array.isArray(one?.tool_calls)) calls += one.tool_calls.length
  }
  return calls <= callsOfAllMax
}

/** A conversation. */
export const chatMessages = z
  .unknown()
  .refine(hasFewCalls, { error: `at most ${callsOfAllMax} tool calls in all` })
  .pipe(arrayOf(chatMessage, 1, 2048, 'messages'))

function messageOf(message: GivenMessage, content: string, thought: string): ChatMessage {
  const { role, name, tool_call_id: toolCallId } = message
  if (isTool(role)) {
    return {
      role: 'tool',
      content,
      ...(toolCallId === undefined ? {} : { toolCallId }),
      ...(name === undefined ? {} : { name }),
    }
  }
  const { tool_calls: calls = [], function_call: call } = message
  const toolCalls = calls.length === 0 && call !== undefined ? [call] : calls
  const reasoning = message.reasoning_content ?? message.reasoning ?? (thought || undefined)
  return {
    role: role as ChatMessage['role'],
    content,
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  }
}
