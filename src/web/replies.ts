import type { ReplyPart, ReplyResult } from '../api/types.js'
import type { Reply } from '../engine/reply.js'
import {
  type AnswerHeaders,
  type Frames,
  json,
  type StreamedAnswer,
  type WholeAnswer,
} from './answer.js'
import type { HttpError } from './errors.js'

/** Writes the frames of one request's replies, which are numbered from 0. */
interface FrameWriter {
  /** Of the stream. Default: those of Server-Sent Events. */
  readonly headers?: AnswerHeaders
  /** What is sent in silence, which may be another each time. Default: a comment. */
  ping?(): string
  /** What is said before any part has come. */
  opening(): string
  /** The frames of a part; '' where it says nothing. */
  part(part: ReplyPart, reply: number): string
  /** The last frames of a reply; where it is the last to end, those of the stream too. */
  ending(result: ReplyResult, reply: number): string
  /** The last frame of a stream that an error ends. */
  failure(error: HttpError): string
}

/** Writes one body of all of a request's replies. */
interface BodyWriter {
  add(part: ReplyPart, reply: number): void
  /** Once all have ended. */
  body(results: readonly ReplyResult[]): unknown
}

const unbuffered: AnswerHeaders = {
  // A compressor in front would hold frames back, and compress() leaves this one alone.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

/** Headers of a stream of Server-Sent Events. */
export const eventStream: AnswerHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  ...unbuffered,
}

/** The same of a stream of lines, each a value of JSON. */
export const jsonLines: AnswerHeaders = {
  'content-type': 'application/x-ndjson',
  ...unbuffered,
}

/** Replies as frames, as they come. Where one fails, all end. */
export function streamed(replies: readonly Reply[], writer: FrameWriter): StreamedAnswer {
  const all = replies.map((reply, i) => new ReplyFrames(reply, writer, i))
  const [first, ...others] = all
  return {
    status: 200,
    headers: writer.headers ?? eventStream,
    opening: () => writer.opening(),
    frames: first !== undefined && others.length === 0 ? first : new MergedFrames(all),
    ping: () => writer.ping?.() ?? ': ping\n\n', // which clients skip
    errorFrame: (error) => writer.failure(error),
  }
}

/** Replies as one body, once all have ended. */
export async function collected(
  replies: readonly Reply[],
  writer: BodyWriter,
): Promise<WholeAnswer> {
  const results = replies.map(async (reply, i) => {
    for await (const part of reply) writer.add(part, i)
    return reply.done
  })
  return json(200, writer.body(await Promise.all(results)))
}

/** The frames of one reply. Not a generator: that would cost a token twice as many promises. */
class ReplyFrames implements Frames {
  readonly #reply: Reply
  readonly #parts: AsyncIterator<ReplyPart, undefined>
  readonly #writer: FrameWriter
  readonly #index: number

  constructor(reply: Reply, writer: FrameWriter, index: number) {
    this.#reply = reply
    this.#parts = reply[Symbol.asyncIterator]()
    this.#writer = writer
    this.#index = index
  }

  /** Taking a part is what lets the engine go on. */
  next(): Promise<IteratorResult<string, string>> {
    return this.#parts.next().then(this.#told)
  }

  return(): void {
    this.#reply.cancel()
  }

  readonly #told = (
    step: IteratorResult<ReplyPart, undefined>,
  ): IteratorResult<string, string> | Promise<IteratorResult<string, string>> => {
    if (step.done) return this.#end()
    return { done: false, value: this.#writer.part(step.value, this.#index) }
  }

  async #end(): Promise<IteratorResult<string, string>> {
    return { done: true, value: this.#writer.ending(await this.#reply.done, this.#index) }
  }
}

/** The frames of several replies, in the order in which they come. */
class MergedFrames implements Frames {
  readonly #all: readonly Frames[]
  /** Those that are to be asked for their next frame. */
  readonly #idle: Frames[]
  /** What was asked for and is there. */
  readonly #ready: { from: Frames; step: Promise<IteratorResult<string, string>> }[] = []
  #onReady: () => void = () => undefined
  #running: number

  constructor(all: readonly Frames[]) {
    this.#all = all
    this.#idle = [...all]
    this.#running = all.length
  }

  async next(): Promise<IteratorResult<string, string>> {
    for (const one of this.#idle.splice(0)) this.#ask(one)
    if (this.#ready.length === 0) {
      await new Promise<void>((resolve) => {
        this.#onReady = resolve
      })
    }
    const first = this.#ready.shift()
    if (first === undefined) throw new Error('no reply has come')
    const { done, value } = await first.step
    if (!done) this.#idle.push(first.from)
    else if (--this.#running === 0) return { done, value }
    return { done: false, value }
  }

  return(): void {
    for (const one of this.#all) one.return()
  }

  #ask(from: Frames): void {
    const step = from.next()
    const settled = () => {
      this.#ready.push({ from, step })
      this.#onReady()
    }
    step.then(settled, settled)
  }
}
