/** Names in lower case, as Node has them. */
export type CallHeaders = Readonly<Record<string, string | undefined>>

/** A request as its adapter knows it. */
export interface Incoming {
  readonly method: string
  /** What its first line asks for: a path with a query string, or a whole URL. */
  readonly target: string
  readonly headers: CallHeaders
  /** The values of all its Host headers. */
  readonly hosts: readonly string[]
  /** The address of this machine that it came to, where that is known. */
  readonly localAddress: string | undefined
  /** Whether it has an Expect header that nobody here meets. */
  readonly isExpectingMore: boolean
  /** Reads its JSON body, or throws what is wrong with that. */
  readBody(signal: AbortSignal): Promise<Uint8Array>
}
