import { types } from 'node:util'
import type { CallHeaders } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import type { ListenerSettings } from '../options.js'

/** JSON by another name, or by none: what curl says of -d, and what says nothing. */
const jsonTypes = /^(?:application|text)\/(?:[\w.-]+\+)?json$/
const unsaid = new Set([
  '',
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/octet-stream',
])

/**
 * The body is read as JSON whatever it is called, unless that says that it is something else. What
 * a page may send without a preflight (`text/plain` and forms) is taken too: with a POST every
 * browser sends the page's Origin, and whose that may be was looked at before.
 */
export function checkMedia(headers: CallHeaders): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const name = type.trim()
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  const isUtf8 = charset === undefined || /^charset=(["']?)(?:utf-?8|us-ascii)\1$/.test(charset)
  if (isUtf8 && (jsonTypes.test(name) || unsaid.has(name))) return
  throw new HttpError('media_type', 'Expected the header Content-Type: application/json.')
}

/**
 * Throws a 415 for JSON that a parser in front has read as a form, as curl's -d calls it: its first
 * field's name is the text then.
 */
export function checkForm(parsed: unknown): void {
  if (typeof parsed !== 'object' || parsed === null || types.isUint8Array(parsed)) return
  if (!Object.keys(parsed)[0]?.trimStart().startsWith('{')) return
  throw new HttpError(
    'media_type',
    'Expected the header Content-Type: application/json; a form was read from the body.',
  )
}

/** Of a body that nobody has read: throws a 415 or 413 for what its headers say of it. */
export function checkUnread(headers: CallHeaders, { settings }: BodyLimits): void {
  checkEncoding(headers)
  checkLength(Number(headers['content-length'] ?? 0), settings.bodyBytesMax)
}

/** Nothing is unpacked: a small body could be a large one. */
function checkEncoding(headers: CallHeaders): void {
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new HttpError('media_type', 'Expected a body without Content-Encoding; send it plain.')
  }
}

/** What bounds bodies, of all calls together and of one. */
export interface BodyLimits {
  readonly settings: Pick<ListenerSettings, 'bodyBytesMax' | 'requestTimeoutMs'>
  readonly bodies: BodyBudget
}

/** A body on its way, kept within its limits. Owned by the adapter that reads it. */
export class ArrivingBody {
  readonly #bytesMax: number
  readonly #room: { grow(bytes: number): void }
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  /** @param signal aborted when its call ends: its memory is counted until then */
  constructor({ settings, bodies }: BodyLimits, signal: AbortSignal) {
    this.#bytesMax = settings.bodyBytesMax
    this.#room = bodies.open(signal)
  }

  /** Throws a 413 for more bytes than a body may have, and a 429 for more than all may. */
  add(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    checkLength(this.#bytes, this.#bytesMax)
    this.#room.grow(chunk.length)
    this.#chunks.push(chunk)
  }

  whole(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

function checkLength(bytes: number, bytesMax: number): void {
  if (bytes <= bytesMax) return
  throw new HttpError('body_size', `Expected a body of at most ${bytesMax} bytes; it is larger.`)
}

export function tooSlow(): HttpError {
  return new HttpError('request_timeout', 'The request took too long to arrive.')
}

/** Bodies up to this size are not counted: as many as connections may have one. */
const smallBytes = 1024 * 1024

/**
 * Bounds the memory of bodies that are large: what a request says stays in memory until it is
 * answered. Owned by App.
 */
export class BodyBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Room for one body, which grows as it arrives; it is given back when `signal` is aborted. */
  open(signal: AbortSignal): { grow(bytes: number): void } {
    let held = 0
    let received = 0
    const free = () => {
      this.#bytes -= held
      held = 0
    }
    return {
      grow: (bytes) => {
        received += bytes
        if (received <= smallBytes || signal.aborted) return
        this.#take(received - held)
        if (held === 0) signal.addEventListener('abort', free, { once: true })
        held = received
      },
    }
  }

  #take(bytes: number): void {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      const under = `${this.#bytes} bytes of large requests are under way`
      throw new HttpError('queue_full', `${under}, at most ${this.#bytesMax}; try again later.`)
    }
    this.#bytes += bytes
  }
}

/**
 * Bounds the text that waits for the tokenizer, which nothing can interrupt. Owned by App.
 */
export class TextBudget {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /**
   * Runs what takes so many bytes of text, or throws a 429 where others' are waited for already.
   * Alone, any text may come. They count until it is done, or its client has left before that.
   */
  async run<T>(bytes: number, job: () => Promise<T>): Promise<T> {
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      const waiting = `${this.#bytes} bytes of text wait to be tokenized`
      throw new HttpError('queue_full', `${waiting}, at most ${this.#bytesMax}; try again later.`)
    }
    this.#bytes += bytes
    try {
      return await job()
    } finally {
      this.#bytes -= bytes
    }
  }
}
