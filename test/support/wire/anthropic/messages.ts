import { framesOf } from '../../sse.js'

/** Anthropic's Messages, as a client without an SDK asks for them. */

export const messagesPath = '/v1/messages'
export const version = { 'anthropic-version': '2023-06-01' }

/** One user message, streamed unless said otherwise. */
export function tale(more: object = {}): Record<string, unknown> {
  const messages = [{ role: 'user', content: 'Tell me a story' }]
  return { model: 'default', max_tokens: 100, messages, stream: true, ...more }
}

export function askMessages(
  url: string,
  body: unknown,
  { path = messagesPath, ...init }: RequestInit & { path?: string } = {},
): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...version, ...init.headers },
  })
}

/** As much of an event as tests look at. */
export interface MessageEvent {
  readonly type: string
  readonly index?: number
  readonly message?: { readonly usage: object; readonly stop_reason: null }
  readonly content_block?: object & { readonly type: string }
  readonly delta?: Record<string, unknown>
  readonly usage?: Record<string, unknown>
  readonly error?: { readonly type: string; readonly message: string }
}

/** The events of a stream, pings left out. */
export function eventsOf(text: string): MessageEvent[] {
  return framesOf(text)
    .map((frame) => JSON.parse(frame.replace(/^event: \w+\ndata: /, '')) as MessageEvent)
    .filter(({ type }) => type !== 'ping')
}

/** The blocks of a stream, put together from their deltas. */
export function blocksOf(events: readonly MessageEvent[]): Record<string, unknown>[] {
  const blocks: Record<string, unknown>[] = []
  for (const { type, index = -1, content_block, delta } of events) {
    if (type === 'content_block_start') blocks[index] = { ...content_block }
    const block = blocks[index]
    if (type !== 'content_block_delta' || block === undefined) continue
    for (const [name, value] of Object.entries(delta ?? {})) {
      if (name !== 'type') block[name] = `${block[name] ?? ''}${value}`
    }
  }
  return blocks
}
