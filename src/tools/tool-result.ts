import { ToolError } from '../api/errors.js'
import { show } from '../api/show.js'
import { jsonOf, NotJsonError } from '../schema/json-of.js'
import { isMcpResult, mcpText } from './mcp-content.js'

/** Of a result as text: a context holds far less. */
const charactersMax = 16 * 2 ** 20

/** What the model reads where a tool returned nothing. */
const nothing = '(no result)'

/**
 * What the model is told of what a tool returned.
 * @param signal of the call: once it is aborted, nothing more is read
 * @throws ToolError for what is neither text nor JSON, and for what an MCP server calls an error
 */
export async function resultText(
  name: string,
  value: unknown,
  signal: AbortSignal,
): Promise<string> {
  try {
    return isAsyncIterable(value) ? await joined(value, signal) : textOf(name, value)
  } catch (cause) {
    if (!(cause instanceof NotJsonError)) throw cause
    const place = cause.path === '' ? '' : ` at ${cause.path}`
    const message = `the result of ${name} cannot be read: ${cause.message}${place}`
    throw new ToolError('invalid-result', message, { cause })
  }
}

function textOf(name: string, value: unknown): string {
  if (value === undefined) return nothing
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || !isMcpResult(value)) {
    return jsonOf(value, charactersMax)
  }
  const text = mcpText(value, charactersMax)
  if (value.isError === true) throw new ToolError('failed', text === '' ? `${name} failed` : text)
  return text === '' ? nothing : text
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return (
    typeof (value as Partial<AsyncIterable<unknown>> | null)?.[Symbol.asyncIterator] === 'function'
  )
}

/** Chunks of text, or of its bytes as files and bodies have them. */
async function joined(chunks: AsyncIterable<unknown>, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of chunks) {
    if (signal.aborted) break // nobody waits for it any more
    if (typeof chunk === 'string') text += chunk
    else if (chunk instanceof Uint8Array) text += decoder.decode(chunk, { stream: true })
    else throw new NotJsonError('', 'chunks of text', show(chunk))
    if (text.length > charactersMax) {
      throw new NotJsonError('', `at most ${charactersMax} characters`, 'more')
    }
  }
  return text + decoder.decode()
}
