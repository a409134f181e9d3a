import type { ErrorWords, HttpError } from './errors.js'

/**
 * What a handler answers. It writes nothing itself: an adapter, such as the one for node:http,
 * sends the answer.
 */
export type Answer = WholeAnswer | StreamedAnswer

/** Names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string>>

export interface WholeAnswer {
  readonly status: number
  readonly headers: AnswerHeaders
  /** Undefined where there is none, as with a 204. */
  readonly body: string | Uint8Array | undefined
}

export interface StreamedAnswer {
  readonly status: number
  readonly headers: AnswerHeaders
  /**
   * Goes out with the headers, before anything is waited for. May be empty. Made when it is sent,
   * and kept by nobody: a client that waits for its turn holds no frame.
   */
  opening(): string
  readonly frames: Frames
  /**
   * What an idle stream carries, so that what sits between sees that the connection lives. It may
   * be another each time.
   */
  ping(): string
  /** The last frame of a stream in which an error came: it takes the place of what was to come. */
  errorFrame(error: HttpError): string
}

/**
 * Frames one by one; '' sends nothing. An adapter asks for the next one only when the last one has
 * room, which is what holds the engine back. What comes with `done` is the last frame: it goes out
 * in one write with the end, because a client that hangs up after it has to look served. `return`
 * is called whenever the adapter asks for no more, and cancels what has not ended.
 */
export interface Frames {
  next(): Promise<IteratorResult<string, string>>
  return(): void
}

export const jsonType = 'application/json; charset=utf-8'

export function json(status: number, value: unknown, headers: AnswerHeaders = {}): WholeAnswer {
  return whole(status, jsonType, JSON.stringify(value), headers)
}

export function whole(
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: AnswerHeaders = {},
): WholeAnswer {
  return { status, headers: { ...headers, 'content-type': contentType }, body }
}

/** An error as a client is told it, where nothing was sent before. */
export function errorAnswer(error: HttpError, words: ErrorWords, requestId: string): WholeAnswer {
  const { status, retryAfterSeconds } = error
  return json(words.status?.(error) ?? status, words.body(error, requestId), {
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` }),
    ...(status === 401 ? { 'www-authenticate': words.challenge } : {}),
  })
}
