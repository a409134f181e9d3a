import { leftOutText } from '../options/other-words/message-content.js'
import { jsonOf } from '../schema/json-of.js'
import { canonicalJson } from '../schema/reading/canonical-json.js'

/** What a server of the Model Context Protocol answers a call with. */
interface McpResult {
  readonly content: readonly McpContent[]
  readonly structuredContent?: unknown
  /** The tool failed, and the content says why. */
  readonly isError?: boolean
}

/** One of its pieces: a text, an image, a file, or what later versions have. */
interface McpContent {
  readonly type: string
  readonly text?: unknown
  readonly mimeType?: unknown
  readonly uri?: unknown
  readonly name?: unknown
  readonly resource?: {
    readonly uri?: unknown
    readonly text?: unknown
    readonly mimeType?: unknown
  }
}

const fields = new Set(['content', 'structuredContent', 'isError', '_meta', 'resultType'])

const contentTypes = new Set(['text', 'image', 'audio', 'resource', 'resource_link'])

/** Whether it is one, and nothing more: objects of a program may have a `content` as well. */
export function isMcpResult(value: object): value is McpResult {
  const { content, structuredContent, isError } = value as Partial<McpResult>
  const isTold = structuredContent !== undefined || typeof isError === 'boolean'
  return (
    Array.isArray(content) &&
    (isTold || content.length > 0) &&
    content.every((one) => contentTypes.has(one?.type)) &&
    Object.keys(value).every((key) => fields.has(key))
  )
}

/**
 * Its texts, with a line in the place of what is no text. The structured content comes behind them,
 * unless they say the same: servers should write it there too, and many do not.
 * @throws NotJsonError where it is none
 */
export function mcpText({ content, structuredContent }: McpResult, charactersMax: number): string {
  const texts = content.map(textOf)
  if (structuredContent !== undefined && !areSaid(structuredContent, content)) {
    texts.push(jsonOf(structuredContent, charactersMax))
  }
  return texts.join('\n')
}

function textOf(one: McpContent): string {
  const { type, text, resource } = one
  if (type === 'text' && typeof text === 'string') return text
  if (type === 'resource' && typeof resource?.text === 'string') return resource.text
  if (type === 'resource_link') return `[resource ${one.uri}${named(one.name)}]`
  const { mimeType = resource?.mimeType } = one
  const kind = typeof mimeType === 'string' ? `${type}, ${mimeType}` : type
  return leftOutText(kind)
}

function named(name: unknown): string {
  return typeof name === 'string' ? `: ${name}` : ''
}

function areSaid(value: unknown, content: readonly McpContent[]): boolean {
  const texts = content.flatMap(({ text }) => (typeof text === 'string' ? [text] : []))
  return [value, ...wrapped(value)].some((one) => {
    if (texts.some((text) => isSaid(one, text))) return true
    if (!Array.isArray(one) || one.length !== texts.length) return false
    return one.every((item, i) => isSaid(item, texts[i] as string))
  })
}

/** FastMCP makes an object of what is none: `{ result: ... }`; its texts have what is within. */
function wrapped(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  const [[key, within] = [], ...more] = Object.entries(value)
  return key === 'result' && more.length === 0 ? [within] : []
}

/** Whether the text is that value: itself, or as JSON, however it is spaced and ordered. */
function isSaid(value: unknown, text: string): boolean {
  if (text === value) return true
  try {
    return canonicalJson(JSON.parse(text)) === canonicalJson(value)
  } catch {
    return false // words, then
  }
}
