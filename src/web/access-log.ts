/** One request, told after its end. Never a prompt, a key or a query string. */
export interface AccessEntry {
  readonly requestId: string
  readonly method: string
  /** The route's pattern, such as `/v1/models/{id}`; undefined where none matched. */
  readonly route: string | undefined
  /** The status that was sent; 0 where the client left before one was. */
  readonly status: number
  /** `gone` is a client that left before the reply's end. */
  readonly outcome: 'done' | 'failed' | 'gone'
  /** The error's `code` on the wire, after the headers too. */
  readonly code: string | undefined
  /** Milliseconds from the request's headers to the end of the reply. */
  readonly durationMs: number
  /** The name of its key, where that has one. */
  readonly key?: string
  readonly promptTokens: number | undefined
  readonly completionTokens: number | undefined
  /**
   * What of the request was taken otherwise than it says: where, for example
   * `tools[3].function.parameters.required`, and not what came there. Only where a log has not been
   * told of the same ones before.
   */
  readonly notes?: readonly string[]
  /**
   * What was thrown, where the fault is the server's own; why the model was not loaded (code
   * `load_failed`), or the EngineEndedError (`engine_ended`). Of the first its message may repeat
   * what the request said: log what `describeFault` tells of it.
   */
  readonly error: unknown
}
