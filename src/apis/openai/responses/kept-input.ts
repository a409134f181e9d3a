import type { KeptInput } from '../../api.js'
import { type IdPrefix, newId } from './ids.js'
import type { InputItem } from './items.js'

/**
 * The items of a request as they are kept, and told by GET /v1/responses/{id}/input_items: each
 * with an id and its type, and a message's content in parts.
 */
export function keptInput(items: readonly InputItem[]): KeptInput {
  const kept = items.map(({ given }) => itemToKeep(given))
  return { json: JSON.stringify(kept), ids: kept.map(({ id }) => id) }
}

const prefixes = new Map<string, IdPrefix>([
  ['message', 'msg'],
  ['reasoning', 'rs'],
  ['function_call', 'fc'],
  ['function_call_output', 'fco'],
  ['custom_tool_call', 'ctc'],
  ['custom_tool_call_output', 'ctco'],
])

interface KeptItem extends Record<string, unknown> {
  readonly id: string
}

function itemToKeep(given: Readonly<Record<string, unknown>>): KeptItem {
  const type = typeof given.type === 'string' ? given.type : 'message'
  const id = typeof given.id === 'string' ? given.id : newId(prefixes.get(type) ?? 'item')
  if (type === 'reasoning') return { ...given, id, type, summary: given.summary ?? [] }
  const item = { ...given, id, type, status: given.status ?? 'completed' }
  return type === 'message' ? { ...item, content: parts(given) } : item
}

function parts({ role, content }: Readonly<Record<string, unknown>>): unknown {
  if (content === undefined || content === null) return []
  if (typeof content !== 'string') return Array.isArray(content) ? content : [content]
  return role === 'assistant'
    ? [{ type: 'output_text', text: content, annotations: [] }]
    : [{ type: 'input_text', text: content }]
}
