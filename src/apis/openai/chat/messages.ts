import { z } from 'zod'
import type { ChatMessage, PastToolCall } from '../../../api/types.js'
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

/** What the `content` of a message says, in any of the forms that clients give it. */

interface Said {
  readonly text: string
  /** Of parts that are reasoning. */
  readonly reasoning: string
}

/** What is wrong, and where below the content. */
interface ContentIssue {
  readonly expected: string
  readonly path: (string | number)[]
}

const partsMax = 1024
const contentError = 'a string, or an array of text parts'
const partError = '"text" (only text parts are supported yet)'

/** The fields that may hold the text of a part. */
const textFields: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  input_text: ['text'],
  output_text: ['text'],
  refusal: ['refusal'],
}
const reasoningFields: Readonly<Record<string, readonly string[]>> = {
  thinking: ['thinking', 'text'],
  reasoning: ['reasoning', 'text'],
  reasoning_text: ['text'],
}

/**
 * Parts are joined by line breaks, as llama.cpp joins them for templates that know only text. Not
 * by a zod schema of a part: tens of thousands of them fit into a body.
 */
function readContent(content: unknown, role: string): Said | ContentIssue {
  if (typeof content === 'string') return { text: content, reasoning: '' }
  if (Array.isArray(content)) {
    // What a tool answers may be an array of its own, and no parts.
    const isOwn = isTool(role) && !content.some(isPart)
    return isOwn
      ? { text: content.length === 0 ? '' : JSON.stringify(content), reasoning: '' }
      : readParts(content, role)
  }
  if (content === undefined || content === null) {
    const mayBeSilent = role === 'assistant' || isTool(role)
    return mayBeSilent ? { text: '', reasoning: '' } : { expected: contentError, path: [] }
  }
  if (typeof content === 'object' && 'type' in content) {
    const said = readParts([content], role)
    if (!('expected' in said) || !isTool(role)) return said
  }
  // What a tool answers is often handed on as it came.
  if (isTool(role)) return { text: JSON.stringify(content), reasoning: '' }
  return { expected: contentError, path: [] }
}

function isPart(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'type')
}

function isTool(role: string): boolean {
  return role === 'tool' || role === 'function'
}

function readParts(parts: readonly unknown[], role: string): Said | ContentIssue {
  if (parts.length > partsMax) return { expected: `at most ${partsMax} text parts`, path: [] }
  const texts: string[] = []
  const reasonings: string[] = []
  for (const [i, part] of parts.entries()) {
    const read = readPart(part, role)
    if ('expected' in read) return { expected: read.expected, path: [i, ...read.path] }
    if (read.text !== undefined) texts.push(read.text)
    if (read.reasoning !== undefined) reasonings.push(read.reasoning)
  }
  return { text: texts.join('\n'), reasoning: reasonings.join('\n') }
}

function readPart(
  part: unknown,
  role: string,
): { text?: string; reasoning?: string } | ContentIssue {
  if (typeof part !== 'object' || part === null) return { expected: partError, path: [] }
  const { type } = part as { type?: unknown }
  const kind = typeof type === 'string' ? type : ''
  const textField = Object.hasOwn(textFields, kind) ? textFields[kind] : undefined
  if (textField !== undefined) {
    const text = textIn(part, textField)
    return text === undefined ? { expected: 'a string', path: [textField[0] ?? ''] } : { text }
  }
  if (role === 'assistant') {
    // Its text is encrypted.
    if (kind === 'redacted_thinking') return {}
    const field = Object.hasOwn(reasoningFields, kind) ? reasoningFields[kind] : undefined
    if (field !== undefined) {
      const reasoning = textIn(part, field)
      return reasoning === undefined
        ? { expected: 'a string', path: [field[0] ?? ''] }
        : { reasoning }
    }
  }
  return { expected: expectedOf(kind), path: ['type'] }
}

/** Mistral's reasoning is an array of text parts itself. */
function textIn(part: object, fields: readonly string[]): string | undefined {
  for (const field of fields) {
    const value = (part as Record<string, unknown>)[field]
    if (typeof value === 'string') return value
    if (!Array.isArray(value)) continue
    const texts = value.map((one) => (one as { text?: unknown } | null)?.text)
    if (texts.every((text) => typeof text === 'string')) return texts.join('\n')
  }
  return undefined
}

function expectedOf(kind: string): string {
  if (/image/.test(kind)) return '"text" (this server reads no images yet; leave them out)'
  if (/audio|video|file/.test(kind)) {
    return '"text" (this server reads no audio, video or files yet; leave them out)'
  }
  return partError
}
