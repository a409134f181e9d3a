import { HttpError } from './errors.js'

type Headers = Readonly<Record<string, string | undefined>>

/** Longer is none: a timer of Node's takes no more. */
const msMax = 2 ** 31 - 1

/** How long a request's sender waits, in milliseconds; undefined is as long as it takes. */
export interface Deadlines {
  /** For all of the answer. */
  readonly answer: number | undefined
  /** For its headers, which of an answer in one piece is all of it. */
  readonly headers: number | undefined
}

/**
 * What a request says in `x-request-timeout`, in seconds; and what OpenAI's and Anthropic's SDKs
 * say, whose timeout ends once the headers are there.
 * @throws HttpError a 400, where the first is no number of seconds
 */
export function deadlinesOf(headers: Headers): Deadlines {
  return { answer: ownSeconds(headers['x-request-timeout']), headers: ofSdk(headers) }
}

function ownSeconds(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const ms = /^\d{1,9}(?:\.\d{1,9})?$/.test(given) ? Number(given) * 1000 : 0
  if (ms > 0) return within(ms)
  throw new HttpError(
    'invalid_request',
    'Expected the header x-request-timeout as a number of seconds above 0, such as 30 or 2.5.',
  )
}

/**
 * Node's SDKs cut what is behind the point, so a second more is what they wait at most. Python's
 * say how long they wait for bytes, which is for the headers first.
 */
function ofSdk(headers: Headers): number | undefined {
  const whole = headers['x-stainless-timeout']
  if (whole !== undefined && /^\d{1,9}$/.test(whole)) return within((Number(whole) + 1) * 1000)
  const read = headers['x-stainless-read-timeout']
  if (read === undefined || !/^\d{1,9}(?:\.\d{1,9})?$/.test(read)) return undefined
  return within(Number(read) * 1000)
}

function within(ms: number): number | undefined {
  return ms > msMax ? undefined : Math.max(1, Math.ceil(ms))
}

export function deadlinePassed(ms: number): HttpError {
  const seconds = Math.round(ms) / 1000
  return new HttpError('deadline', `The request's deadline of ${seconds} s has passed.`)
}
