import * as z from 'zod'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { type InputItem, inputItems } from '../responses/items.js'

export const jsonError = 'JSON: an object, or an array of objects'

/**
 * What is decided about: a text, or a response's items, in which parts may be JSON besides. A
 * reference is none of them, as nothing is kept.
 */
export const decisionInput = z.unknown().transform((given, context): InputItem[] => {
  const fail = (message: string, path: (string | number)[]) => {
    context.issues.push({ code: 'custom', message, path, input: given })
    return z.NEVER
  }
  const read = withTexts(given)
  if ('wrongAt' in read) return fail(jsonError, read.wrongAt)
  const items = inputItems.safeParse(read.value)
  if (!items.success) {
    for (const issue of items.error.issues) context.issues.push(issue as z.core.$ZodRawIssue)
    return z.NEVER
  }
  if (items.data.length === 0) return fail('a string, or an array of at least one item', [])
  const reference = items.data.findIndex(({ said }) => said.kind === 'reference')
  return reference < 0
    ? items.data
    : fail('an item itself, and no reference (nothing is kept to refer to)', [reference])
})

type Read = { readonly value: unknown } | { readonly wrongAt: (string | number)[] }

/** The same input with a part of text in the place of each part of JSON. */
function withTexts(input: unknown): Read {
  if (!Array.isArray(input)) return { value: input }
  const items: unknown[] = []
  for (const [i, item] of input.entries()) {
    if (!isRecord(item)) {
      items.push(item)
      continue
    }
    const content = jsonAsText(item.content)
    if ('wrongAt' in content) return { wrongAt: [i, 'content', ...content.wrongAt] }
    items.push(content.value === item.content ? item : { ...item, content: content.value })
  }
  return { value: items }
}

/** Of a message's content, or of a question's instructions. */
export function jsonAsText(content: unknown): Read {
  if (!Array.isArray(content)) return { value: content }
  const wrong = content.findIndex((part) => isJson(part) && !isObjectOrArray(part.data))
  if (wrong >= 0) return { wrongAt: [wrong, 'data'] }
  if (!content.some(isJson)) return { value: content }
  const value = content.map((part) => {
    return isJson(part) ? { type: 'input_text', text: JSON.stringify(part.data) } : part
  })
  return { value }
}

function isJson(part: unknown): part is { data?: unknown } {
  return isRecord(part) && part.type === 'input_json'
}

function isObjectOrArray(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
