import type { IncomingMessage } from 'node:http'
import { WireReader } from './wire-reader.js'

/** Whether a request is for Ollama's own API. LM Studio's is below /api/v0 and /api/v1. */
export function isOllama({ url = '' }: IncomingMessage): boolean {
  return /^(\/v1)*\/api\/(?!v[01]\/)/.test(url)
}

interface Line {
  readonly model?: unknown
  readonly created_at?: unknown
  readonly done?: unknown
  readonly done_reason?: unknown
  readonly status?: unknown
  readonly error?: unknown
}

const doneReasons: readonly unknown[] = ['stop', 'length', 'load', 'unload']

/** One response in Ollama's words: a body, or lines of which the last one says that it is that. */
export class OllamaReader extends WireReader {
  #isDone = false

  protected frame(frame: string): void {
    if (this.#isDone) this.tell(`a line after the last one: ${frame}`)
    this.parsed(frame, (value) => this.#line(value as Line, frame))
  }

  protected body(text: string): void {
    if (this.res.statusCode === 200) return
    this.parsed(text, (value) => this.#error(value as object, text))
  }

  /** What ends a stream is missing. */
  protected missing(): string {
    return this.#isDone ? '' : 'the stream ends without a last line'
  }

  #line(line: Line, text: string): void {
    if (line.error !== undefined) this.#error(line, text)
    else if (line.status === undefined) this.#piece(line, text)
    this.#isDone = line.error !== undefined || line.done === true || line.status === 'success'
  }

  #error(body: object, text: string): void {
    const { error } = body as Line
    const isPlain = typeof error === 'string' && Object.keys(body).length === 1
    if (!isPlain) this.tell(`no error of one text: ${text}`)
  }

  #piece({ model, created_at: at, done, done_reason: reason }: Line, text: string): void {
    const isTold = typeof model === 'string' && !Number.isNaN(Date.parse(`${at}`))
    if (!isTold) this.tell(`no model or no time: ${text}`)
    if (typeof done !== 'boolean') this.tell(`no word on whether it is done: ${text}`)
    if (done === true && !doneReasons.includes(reason)) this.tell(`ends without a reason: ${text}`)
    if (done === false && reason !== undefined) this.tell(`a reason before the end: ${text}`)
  }
}
