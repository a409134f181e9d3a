import { OverloadedError, QueueTimeoutError, type SluiceError } from '../../api/errors.js'
import type { NativeFinished, NativeRequest } from '../../binding/engine-port.js'
import { abortedBy, onAbort } from '../abort-signals.js'
import type { EngineClient } from '../engine-client.js'
import type { PromptCount } from '../queue/prompt-count.js'
import { surface } from '../surface.js'

/** What came of one prompt. */
export interface PromptReading {
  /** Of the request's label tokens, in their order. */
  readonly logprobs: Float32Array
  readonly promptTokens: number
  readonly cachedTokens: number
}

type LabelRequest = Omit<NativeRequest, 'id'>

/** The engine failed one of the prompts: which one, and what it said. */
export class PromptRefused extends Error {
  readonly place: number
  readonly refusal: SluiceError

  constructor(place: number, refusal: SluiceError) {
    super(refusal.message)
    this.place = place
    this.refusal = refusal
  }
}

/**
 * Has an engine read the labels after some prompts, each a request of its own. They begin alike,
 * so the engine computes that part once, and as many of the rest together as it has slots. Only
 * some are in flight at a time: all at once would fill the queue that others share. Each is made
 * when it is its turn, since it has the whole text.
 *
 * Rejects with PromptRefused of the first that fails, which ends the others; with OverloadedError
 * where not even one is taken in.
 */
export function readLabels(
  client: EngineClient,
  requests: readonly (() => LabelRequest)[],
  atOnce: number,
  signal: AbortSignal | undefined,
  count: PromptCount,
): Promise<PromptReading[]> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw abortedBy(signal, 'the decisions were given up')
    const settle = (outcome: PromptReading[] | Error) => {
      rest()
      if (Array.isArray(outcome)) resolve(outcome)
      else reject(outcome)
    }
    const all = new Readings(client, requests, { atOnce, count, settle })
    const rest = onAbort(signal, () => all.fail(abortedBy(signal, 'the decisions were given up')))
    all.start()
  })
}

interface ReadingsOptions {
  readonly atOnce: number
  readonly count: PromptCount
  readonly settle: (outcome: PromptReading[] | Error) => void
}

class Readings {
  readonly #client: EngineClient
  readonly #requests: readonly (() => LabelRequest)[]
  readonly #atOnce: number
  readonly #count: PromptCount
  readonly #settle: (outcome: PromptReading[] | Error) => void
  /** Of each prompt, as far as it is known. */
  readonly #counted: number[] = []
  readonly #readings: PromptReading[] = []
  readonly #inFlight = new Set<number>()
  #next = 0
  #left: number
  #isSettled = false

  constructor(
    client: EngineClient,
    requests: readonly (() => LabelRequest)[],
    { atOnce, count, settle }: ReadingsOptions,
  ) {
    this.#client = client
    this.#requests = requests
    this.#atOnce = atOnce
    this.#count = count
    this.#settle = settle
    this.#left = requests.length
  }

  /** As many as may be in flight; one that is refused is tried again when another has ended. */
  start(): void {
    try {
      while (this.#next < this.#requests.length && this.#inFlight.size < this.#atOnce) {
        this.#submit(this.#next)
        this.#next++
      }
    } catch (error) {
      const mayWait = error instanceof OverloadedError && this.#inFlight.size > 0
      if (!mayWait) this.fail(error as Error)
    }
  }

  fail(error: Error): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#settle(error) // first: whatever becomes of the others, the call has ended
    for (const id of this.#inFlight) {
      try {
        this.#client.cancel(id)
      } catch (thrown) {
        surface(thrown) // the others are cancelled all the same
      }
    }
  }

  #submit(place: number): void {
    const id: number = this.#client.submit((this.#requests[place] as () => LabelRequest)(), () => ({
      // Most of it the first one computes for all.
      onAccepted: (promptTokens) => this.#counts(place, place === 0 ? promptTokens : 0),
      onFinished: (event) => this.#finished(id, place, event),
      onError: (error: SluiceError) => {
        this.#inFlight.delete(id)
        if (error instanceof QueueTimeoutError) this.#counts(place, 0) // nothing was computed
        this.fail(new PromptRefused(place, error))
      },
    }))
    this.#inFlight.add(id)
  }

  #finished(id: number, place: number, event: NativeFinished): void {
    this.#inFlight.delete(id)
    if (this.#isSettled) return
    const { labelLogprobs, promptTokens, cachedTokens } = event
    if (labelLogprobs === undefined) {
      this.fail(new Error(`a decision ended as ${event.finishReason}, without its labels`))
      return
    }
    this.#readings[place] = { logprobs: labelLogprobs, promptTokens, cachedTokens }
    if (place > 0) this.#counts(place, promptTokens - cachedTokens)
    this.#left--
    if (this.#left > 0) {
      this.start()
      return
    }
    this.#isSettled = true
    this.#settle(this.#readings)
  }

  #counts(place: number, tokens: number): void {
    this.#counted[place] = tokens
    this.#count(this.#counted.reduce((sum, one) => sum + one, 0))
  }
}
