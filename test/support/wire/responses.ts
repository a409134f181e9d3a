import type { ServerOptions } from '../../../src/http/index.js'
import { postJson } from '../serve.js'
import { framesOf } from '../sse.js'

export const responsesPath = '/v1/responses'

/** As much of a response as tests look at. */
export interface WireResponse {
  id: string
  status: string
  output: WireItem[]
  usage: { input_tokens: number; output_tokens: number; total_tokens: number } & Details
  error: { code: string; message: string } | null
  incomplete_details: { reason: string } | null
  [field: string]: unknown
}

interface Details {
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number }
  output_tokens_details: { reasoning_tokens: number }
}

export interface WireItem {
  id: string
  type: string
  status?: string
  content?: { type: string; text: string; logprobs?: { token: string; bytes: number[] }[] }[]
  summary?: { type: string; text: string }[]
  name?: string
  namespace?: string
  call_id?: string
  arguments?: string
  input?: string
  encrypted_content?: string
}

export interface WireEvent {
  type: string
  sequence_number: number
  response?: WireResponse
  item?: WireItem
  delta?: string
  [field: string]: unknown
}

export function askResponse(
  url: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return postJson(url, responsesPath, body, headers)
}

export async function respond(url: string, body: object): Promise<WireResponse> {
  return (await (await askResponse(url, body)).json()) as WireResponse
}

/** The events of a stream. */
export function eventsOf(text: string): WireEvent[] {
  return framesOf(text).flatMap((frame) => {
    const [, json] = /^event: \S+\ndata: (.*)$/.exec(frame) ?? []
    return json === undefined ? [] : (JSON.parse(json) as WireEvent)
  })
}

export async function streamed(url: string, body: object): Promise<WireEvent[]> {
  return eventsOf(await (await askResponse(url, { ...body, stream: true })).text())
}

/** The text of a response's messages. */
export function outputText({ output }: Pick<WireResponse, 'output'>): string {
  return output
    .filter(({ type }) => type === 'message')
    .flatMap(({ content = [] }) => content.map(({ text }) => text))
    .join('')
}

/** A server that keeps responses. */
export const keeping: Partial<ServerOptions> = { responseStore: 10 }
