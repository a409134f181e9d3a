import type { IncomingMessage, ServerResponse } from 'node:http'

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

/** Whether it expects something that nobody here does. */
export function isUnmet(req: IncomingMessage): boolean {
  return unmet.has(req)
}
