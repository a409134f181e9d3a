import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '../openai/errors.js'

/**
 * Requests with `Expect: 100-continue`, whose clients hold the body back until told to go on. A
 * request that is refused at the door then never sends it, and Node closes its connection.
 */
const held = new WeakSet<IncomingMessage>()

/** Those with any other Expect, which Node would answer by itself. */
const unmet = new WeakSet<IncomingMessage>()

export function holdContinue(req: IncomingMessage): void {
  held.add(req)
}

export function letContinue(req: IncomingMessage, res: ServerResponse): void {
  if (held.delete(req)) res.writeContinue()
}

export function refuseExpectation(req: IncomingMessage): void {
  unmet.add(req)
}

/** Throws a 417 for what a request expects and nobody here does. */
export function checkExpectation(req: IncomingMessage): void {
  if (!unmet.has(req)) return
  throw new ApiError('expectation', 'Expected no Expect header other than 100-continue.')
}
