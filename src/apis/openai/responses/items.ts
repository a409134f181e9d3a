import * as z from 'zod'
import type { ChatMessage } from '../../../api/types.js'
import { readContent } from '../../../options/other-words/message-content.js'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { sealedText } from '../../sealed-text.js'
import { modelToolName } from './tool-names.js'

/**
 * The items of a request's input: messages, calls, what calls were answered, reasoning, and
 * references to items of earlier responses. Read one by one and not by a zod schema: an agent
 * sends thousands.
 */

/** An item as it was given, and what it says. */
export interface InputItem {
  readonly given: Readonly<Record<string, unknown>>
  readonly said: Said
}

export type Said =
  | { readonly kind: 'message'; readonly message: ChatMessage }
  | { readonly kind: 'reasoning'; readonly text: string }
  | { readonly kind: 'call'; readonly id: string; readonly name: string; readonly json: string }
  | { readonly kind: 'answer'; readonly id: string; readonly text: string }
  | { readonly kind: 'reference'; readonly id: string }
  /** Nothing that this server could tell a model. */
  | { readonly kind: 'unknown'; readonly type: string }

interface Problem {
  readonly expected: string
  readonly path: readonly (string | number)[]
}

const inputError = 'a string, or an array of items'
const itemError = 'an item such as {"role": "user", "content": "..."}'
/** Of an input, and of one with all that it follows. */
export const itemsMax = 8192

/** A string is a message of the user. Null and nothing are no item. */
export const inputItems = z
  .unknown()
  .optional()
  .transform((given, context): InputItem[] => {
    const fail = ({ expected: message, path }: Problem) => {
      context.issues.push({ code: 'custom', message, path: [...path], input: given })
      return z.NEVER
    }
    if (given === undefined || given === null) return []
    if (typeof given !== 'string' && !Array.isArray(given)) {
      return fail({ expected: inputError, path: [] })
    }
    const list: readonly unknown[] =
      typeof given === 'string' ? [{ type: 'message', role: 'user', content: given }] : given
    if (list.length > itemsMax) return fail({ expected: `at most ${itemsMax} items`, path: [] })
    const items: InputItem[] = []
    for (const [i, one] of list.entries()) {
      const read = readItem(one)
      if ('expected' in read) return fail({ expected: read.expected, path: [i, ...read.path] })
      items.push({ given: one as Record<string, unknown>, said: read })
    }
    return items
  })

/** What an item says, or what is wrong with it. */
export function readItem(given: unknown): Said | Problem {
  if (!isRecord(given)) return { expected: itemError, path: [] }
  const { type } = given
  if (type === undefined || type === null) {
    // A reference may come without its type.
    return given.role === undefined && typeof given.id === 'string' && given.content === undefined
      ? { kind: 'reference', id: given.id }
      : readMessage(given)
  }
  if (typeof type !== 'string') return { expected: 'the type of an item, a string', path: ['type'] }
  return readers.get(type)?.(given) ?? readOther(given, type)
}

const readers = new Map<string, (given: Record<string, unknown>) => Said | Problem>([
  ['message', readMessage],
  ['reasoning', readReasoning],
  ['function_call', (given) => readCall(given, 'arguments', textOfArguments)],
  ['custom_tool_call', (given) => readCall(given, 'input', argumentsOfInput)],
  ['function_call_output', readAnswer],
  ['custom_tool_call_output', readAnswer],
  ['item_reference', readReference],
])

const roles = ['developer', 'system', 'user', 'assistant'] as const
const roleError = roles.map((role) => `"${role}"`).join(', ')

function readMessage(given: Record<string, unknown>): Said | Problem {
  const role = roles.find((one) => one === given.role)
  if (role === undefined) return { expected: `one of ${roleError}`, path: ['role'] }
  const said = readContent(given.content, role)
  if ('expected' in said) return { expected: said.expected, path: ['content', ...said.path] }
  const { text: content, reasoning } = said
  const thought = reasoning === '' ? {} : { reasoning }
  return { kind: 'message', message: { role, content, ...thought } }
}

/** As it was written, or what stands for it. Of another server's sealed text nothing is known. */
function readReasoning({ content, encrypted_content, summary }: Record<string, unknown>): Said {
  const sealed = sealedText(encrypted_content)
  return { kind: 'reasoning', text: textsIn(content) || (sealed ?? textsIn(summary)) }
}

function textsIn(parts: unknown): string {
  if (!Array.isArray(parts)) return ''
  const texts = parts.map((part) => (isRecord(part) ? part.text : undefined))
  return texts.filter((text) => typeof text === 'string').join('\n')
}

function readCall(
  given: Record<string, unknown>,
  field: string,
  jsonOf: (value: unknown) => string,
): Said | Problem {
  const { call_id: id, name, namespace } = given
  if (typeof id !== 'string') return { expected: 'the id of a call', path: ['call_id'] }
  if (typeof name !== 'string') return { expected: 'a string', path: ['name'] }
  const space = typeof namespace === 'string' ? namespace : undefined
  return { kind: 'call', id, name: modelToolName(name, space), json: jsonOf(given[field]) }
}

/** Text as a model wrote it, cut or not, or the object that it stands for. */
function textOfArguments(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? {})
}

function argumentsOfInput(value: unknown): string {
  const input = typeof value === 'string' ? value : JSON.stringify(value ?? '')
  return JSON.stringify({ input })
}

function readReference({ id }: Record<string, unknown>): Said | Problem {
  if (typeof id === 'string') return { kind: 'reference', id }
  return { expected: 'the id of an item', path: ['id'] }
}

function readAnswer({ call_id: id, output }: Record<string, unknown>): Said | Problem {
  if (typeof id !== 'string') return { expected: 'the id of a call', path: ['call_id'] }
  const said = readContent(output, 'tool')
  if ('expected' in said) return { expected: said.expected, path: ['output', ...said.path] }
  return { kind: 'answer', id, text: said.text }
}

/**
 * Calls of tools that a client runs, and what they answered, are told by the type's name: a shell's
 * or a patch's. Of anything else, such as a search of another server, the model hears nothing.
 */
function readOther(given: Record<string, unknown>, type: string): Said {
  const { call_id: id, output, action, operation } = given
  const [, name, isAnswer] = /^(\w+)_call(_output)?$/.exec(type) ?? []
  if (name === undefined || typeof id !== 'string') return { kind: 'unknown', type }
  if (isAnswer === undefined) {
    return { kind: 'call', id, name, json: textOfArguments(action ?? operation) }
  }
  const said = readContent(output, 'tool')
  // Parts of a type that is not known, for example of what a shell printed.
  const text = 'expected' in said ? JSON.stringify(output) : said.text
  return { kind: 'answer', id, text }
}
