import type { Answer, AnswerHeaders, Frames, StreamedAnswer } from './answer.js'
import type { HttpError } from './errors.js'
import { eventStream } from './replies.js'

/** How a stream that has begun before its handler knew more tells an error. */
export interface EarlyStream {
  /** Default: those of Server-Sent Events. */
  readonly headers?: AnswerHeaders
  errorFrame(error: HttpError): string
  /** What is sent in silence. Default: a comment. */
  ping?(): string
}

/**
 * An answer that takes long, as a stream that has begun: what sits between sees that the connection
 * lives. Its client is told errors by a frame from now on. Headers that the handler sets later are
 * not sent.
 */
export function begun(answer: Promise<Answer>, early: EarlyStream): StreamedAnswer {
  const frames = new LateFrames(answer)
  const ping = () => early.ping?.() ?? ': ping\n\n'
  return {
    status: 200,
    headers: early.headers ?? eventStream,
    opening: ping,
    frames,
    ping: () => frames.stream?.ping() ?? ping(),
    errorFrame: (error) => (frames.stream ?? early).errorFrame(error),
  }
}

/** The frames of an answer that is not there yet, its opening among them. */
class LateFrames implements Frames {
  readonly #answer: Promise<Answer>
  /** Once it is there. */
  stream: StreamedAnswer | undefined
  #isLeft = false

  constructor(answer: Promise<Answer>) {
    this.#answer = answer
  }

  async next(): Promise<IteratorResult<string, string>> {
    if (this.stream !== undefined) return this.stream.frames.next()
    const answer = await this.#answer
    if (!('frames' in answer)) throw new Error('a stream was asked for, and a whole answer came')
    this.stream = answer
    if (this.#isLeft) answer.frames.return()
    return { done: false, value: answer.opening() }
  }

  return(): void {
    this.#isLeft = true
    if (this.stream !== undefined) this.stream.frames.return()
    // What the handler still comes to is wanted by nobody; its call has ended, and so does it.
    else this.#answer.then(leave, () => undefined)
  }
}

function leave(answer: Answer): void {
  if ('frames' in answer) answer.frames.return()
}
