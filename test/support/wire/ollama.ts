import { postJson } from '../serve.js'

/** A line of a stream, or a body. */
export interface OllamaLine {
  readonly model: string
  readonly message?: { content: string; thinking?: string; tool_calls?: object[] }
  readonly response?: string
  readonly thinking?: string
  readonly done: boolean
  readonly done_reason?: string
  readonly error?: string
  readonly [field: string]: unknown
}

export function ask(url: string, path: string, body: object): Promise<Response> {
  return postJson(url, `/api/${path}`, body)
}

/** The lines of an answer, each of them JSON. */
export function linesOf(text: string): OllamaLine[] {
  if (!text.endsWith('\n')) throw new Error(`it ends within a line: ${text}`)
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as OllamaLine)
}

/** A question, streamed as Ollama does unless it is told not to. */
export function question(more: object = {}): Record<string, unknown> {
  return { model: 'default', messages: [{ role: 'user', content: 'Tell me a story' }], ...more }
}
