// Tests of HTTP that mean nothing for a fetch handler, and why. What a server in front of it does
// is not the handler's: connections, bytes that are no request, the kernel's buffers.

/** Why, and the beginnings of the tests' titles. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  'what is no request, or arrives too slowly to be one, never gets to a handler': [
    'a request that Node itself cannot read gets the same four fields',
    'a client that dribbles headers or body is told so and let go, others stay',
    'bytes that are no request are refused after the answer before them',
  ],
  'the rest of a body that was refused, and 100-continue, are for the server to deal with': [
    'a client still sending a refused body gets the whole answer, not a reset',
    'a client that waits for 100 Continue sends no body that will be refused',
    'a connection that is refused while it waits for 100 Continue is closed',
  ],
  'whether a connection goes on is for the server to say': [
    'the connection of a body that is still being sent ends with its refusal',
    'a drain refuses new requests, finishes the running ones, and then closes',
    'the connection of what a drain refuses ends with that',
  ],
  'in which segments bytes leave is for the server to say': [
    '[DONE] and the terminator leave in one segment, with the finish chunk',
  ],
  'a Request has the URL that its server made up, and so always names a host': [
    'a request without a Host header is refused like one with a wrong name',
    'in absolute form go before a header',
  ],
  'what its server is bound to is not known to a handler': [
    'are addresses, and no names, where a server is open to others without a key',
    'a server listens at ',
  ],
  "the kernel's buffers are the server's": [
    'a stream alone has a send buffer of 16 KiB unless another is asked for',
    'a large reply on a connection that streamed has a large send buffer again',
    'a server that cannot set the send buffer says so and serves',
    'a client that vanished is given up as one that reads nothing',
    'what else an app sends on a connection has the time that the app gives it',
    'a reader that never reads is parked, and gets all once it reads',
    'the slot of a reader that never reads is free again at the stall deadline',
    'a large reply that is no stream goes out by more than 16 KiB, after a stream',
  ],
  'a whole answer is sent once its server has it': [
    'the deadline also holds for the last bytes, when the reply is over',
  ],
}

/** Undefined for a test that runs over both. */
export function reasonToSkip(title: string): string | undefined {
  const found = Object.entries(exceptions).find(([, titles]) =>
    titles.some((beginning) => title.startsWith(beginning)),
  )
  return found?.[0]
}

export const exceptionTitles: readonly string[] = Object.values(exceptions).flat()
