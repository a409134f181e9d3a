import * as z from 'zod'
import type { ChatMessage, PastToolCall } from '../../../api/types.js'
import { isTool, readContent } from '../../../options/other-words/message-content.js'
import { arrayOf, isEmptyArray, optional, unsupported } from '../../request.js'

/** Calls of earlier turns: as OpenAI has them, as others write them, and as a reply was cut. */

const text = z.string({ error: 'a string' })
const callError = 'an object such as {"id": "...", "type": "function", "function": {...}}'
const functionError = 'an object such as {"name": "get_weather", "arguments": "{}"}'

/** Text as the model wrote it, cut or not, or the object that it stands for. */
const callArguments = optional(z.unknown()).transform((value) => {
  return typeof value === 'string' ? value : JSON.stringify(value ?? {})
})

const called = z.object({ name: text, arguments: callArguments }, { error: functionError })

/** What is no function's is one whose arguments are what it was given, as text. */
const custom = z
  .object({ name: text, input: optional(text) }, { error: functionError })
  .transform(({ name, input = '' }) => ({ name, arguments: JSON.stringify({ input }) }))

/** OpenAI's first way to call, one call in a message and without an id. */
const functionCall = called.transform((call): PastToolCall => call)

/** A call that an assistant made in an earlier turn. */
const toolCall = z
  .object(
    { id: optional(text), function: optional(called), custom: optional(custom) },
    { error: callError },
  )
  .refine((call) => call.function !== undefined || call.custom !== undefined, {
    path: ['function'],
    error: functionError,
  })
  .transform(({ id, function: one, custom: other }): PastToolCall => {
    const call = one ?? other ?? { name: '', arguments: '' }
    return { ...(id === undefined ? {} : { id }), ...call }
  })

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function'] as const
const roleError = roles.map((role) => `"${role}"`).join(', ')

/** Of one message. */
const callsMax = 1024
/** Of a conversation: each is looked at by itself. */
const callsOfAllMax = 16_384

/** Reasoning, by the names that servers have for it; what is no string is none. */
const reasoning = optional(z.unknown()).transform((value) => {
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
      // Of a tool. Templates do not know a name of other roles.
      name: optional(z.string({ error: 'a string' })),
      reasoning_content: optional(z.string({ error: 'a string' })),
      reasoning,
      refusal: optional(z.string({ error: 'a string' })), // instead of a content
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
    const said = readContent(message.content ?? message.refusal, message.role)
    if (!('expected' in said)) return messageOf(message, said.text, said.reasoning)
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

function messageOf(message: GivenMessage, content: string, inParts: string): ChatMessage {
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
  const reasoning = message.reasoning_content ?? message.reasoning ?? (inParts || undefined)
  return {
    role: role as ChatMessage['role'],
    content,
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  }
}
