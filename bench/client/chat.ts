import net from 'node:net'
import { EventStream, hasText } from './event-stream.js'
import { HttpResponse } from './http-response.js'

export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

export interface ChatOptions {
  messages: Message[]
  maxTokens: number
  /** Default 0: greedy. */
  temperature?: number
  /** Further ones of the body. */
  fields?: object
}

export interface ChatResult {
  promptTokens: number
  /** Of the prompt, those that the server did not compute again. */
  cachedTokens: number
  completionTokens: number
  text: string
}

/** One streamed reply under way, on a connection of its own. Times are performance.now(). */
export interface ChatCall {
  readonly sentAt: number
  /** When each part with text arrived. */
  readonly arrivals: readonly number[]
  /** When the first text arrived. Rejects as `done` does. */
  readonly firstText: Promise<number>
  /** Milliseconds from sending to the first text. Rejects as `done` does. */
  readonly firstWait: Promise<number>
  readonly done: Promise<ChatResult>
  /** Closes the connection: `done` and `firstText` stay pending if they are. */
  leave(): void
}

/** Sends a request. The same bytes, and the same work for the answer, whichever server it is. */
export function chat(port: number, options: ChatOptions): ChatCall {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  const call = new StreamedCall(socket)
  socket.write(requestBytes(options))
  return call
}

/** A connection that sends a request and never reads a byte. */
export function stalledChat(port: number, options: ChatOptions): net.Socket {
  const socket = new net.Socket()
  socket.pause() // before it is connected: Node would fill its own buffer first
  socket.on('error', () => socket.destroy())
  socket.connect({ port, host: '127.0.0.1', noDelay: true })
  socket.write(requestBytes(options))
  return socket
}

const silenceMs = 120_000

class StreamedCall implements ChatCall {
  readonly sentAt = performance.now()
  readonly arrivals: number[] = []
  readonly firstText: Promise<number>
  readonly firstWait: Promise<number>
  readonly done: Promise<ChatResult>
  readonly #socket: net.Socket
  readonly #response = new HttpResponse()
  readonly #stream = new EventStream()
  readonly #events: string[] = []
  #body = ''
  #resolveFirst!: (at: number) => void
  #rejectFirst!: (error: Error) => void

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.firstText = new Promise((resolve, reject) => {
      this.#resolveFirst = resolve
      this.#rejectFirst = reject
    })
    this.firstWait = this.firstText.then((at) => at - this.sentAt)
    this.firstWait.catch(() => undefined) // `done` rejects as well
    this.done = new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        this.#rejectFirst(error)
        reject(error)
      }
      socket.on('error', fail)
      socket.setTimeout(silenceMs, () => fail(new Error('the server sent nothing for 2 minutes')))
      socket.on('end', () => fail(new Error(`the server hung up: ${this.#body.slice(0, 500)}`)))
      socket.on('data', (bytes) => {
        this.#read(bytes)
        if (this.#events.at(-1) === '[DONE]') this.#finish(resolve)
        else if (this.#response.isOver) fail(new Error(`no [DONE]: ${this.#body.slice(0, 500)}`))
        else return
        socket.destroy()
      })
    })
    this.done.catch(() => undefined) // likewise
  }

  leave(): void {
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    const now = performance.now()
    const body = this.#response.feed(bytes.toString('latin1'))
    if (this.#body.length < 1000) this.#body += body
    for (const event of this.#stream.feed(body)) {
      this.#events.push(event)
      if (!hasText(event)) continue
      if (this.arrivals.length === 0) this.#resolveFirst(now)
      this.arrivals.push(now)
    }
  }

  #finish(resolve: (result: ChatResult) => void): void {
    const usage = this.#events.findLast((event) => event.includes('"usage":{'))
    if (!usage) throw new Error('the reply came without usage')
    resolve(resultOf(JSON.parse(usage).usage, this.#events))
    this.#rejectFirst(new Error('the reply came without text')) // of no effect if it had some
  }
}

interface Usage {
  prompt_tokens: number
  completion_tokens: number
  prompt_tokens_details?: { cached_tokens?: number }
}

function resultOf(usage: Usage, events: string[]): ChatResult {
  return {
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: usage.completion_tokens,
    // Only a conversation looks at it; then the bytes are decoded as a whole.
    get text() {
      return events.filter(hasText).map(contentOf).join('')
    },
  }
}

function contentOf(event: string): string {
  const utf8 = Buffer.from(event, 'latin1').toString('utf8')
  return JSON.parse(utf8).choices[0].delta.content
}

function requestBytes({ messages, maxTokens, temperature = 0, fields }: ChatOptions): string {
  const body = JSON.stringify({
    model: 'default',
    messages,
    max_tokens: maxTokens,
    // llama-server's own defaults, said to both.
    ...{ temperature, top_k: 40, top_p: 0.95, min_p: 0.05 },
    ignore_eos: true, // replies of equal, known length
    stream: true,
    stream_options: { include_usage: true },
    ...fields,
  })
  const headers = [
    'POST /v1/chat/completions HTTP/1.1',
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    'Connection: close', // a refusal ends it too: that is how its end is known
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return `${headers.join('\r\n')}\r\n\r\n${body}`
}
