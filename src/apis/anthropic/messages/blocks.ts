import { isRecord } from '../../../options/other-words/tool-choice.js'
import type { HttpError } from '../../../web/errors.js'
import { fieldError } from '../../request.js'

/** Blocks of content, of which a text is one. */

interface Block {
  readonly type: string
  readonly block: Record<string, unknown>
  readonly place: string
}

const contentError = 'a string, or an array of content blocks'

/**
 * What `content` holds. Not by a schema of zod's: tens of thousands of blocks fit into a body.
 * @param at where it stands in the request
 * @param types that may stand there
 * @throws HttpError, a 400 that names the field
 */
export function blocksOf(content: unknown, at: string, types: readonly string[]): Block[] {
  if (typeof content === 'string') {
    return [{ type: 'text', block: { type: 'text', text: content }, place: at }]
  }
  if (!Array.isArray(content)) throw fieldError(at, contentError, content)
  return content.map((block: unknown, i) => {
    const place = `${at}[${i}]`
    if (!isRecord(block)) throw fieldError(place, 'a content block, an object', block)
    const { type } = block
    if (typeof type === 'string' && types.includes(type)) return { type, block, place }
    throw otherType(place, type, types)
  })
}

/** What is dropped without a word would be missed: images and the like are refused. */
function otherType(place: string, type: unknown, types: readonly string[]): HttpError {
  const known = types.map((one) => `"${one}"`).join(', ')
  const oneOf = types.length === 1 ? known : `one of ${known}`
  const expected = unread.has(type)
    ? `${oneOf} (images, documents and files are not read; leave them out)`
    : oneOf
  return fieldError(`${place}.type`, expected, type)
}

const unread = new Set<unknown>(['image', 'document', 'file', 'container_upload'])

/** Of a block of text, of a tool's name, or of a result of a search. */
export function textOf(block: Record<string, unknown>, place: string): string {
  if (block.type === 'tool_reference') return aString(block, 'tool_name', place)
  if (block.type !== 'search_result') return aString(block, 'text', place)
  const head = [aString(block, 'title', place), aString(block, 'source', place)]
  const texts = blocksOf(block.content, `${place}.content`, ['text'])
  return [...head, ...texts.map((one) => textOf(one.block, one.place))].join('\n')
}

function aString(block: Record<string, unknown>, field: string, place: string): string {
  const value = block[field]
  if (typeof value === 'string') return value
  throw fieldError(`${place}.${field}`, 'a string', value)
}
