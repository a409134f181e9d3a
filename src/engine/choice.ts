import type { ChoiceResult } from '../api/types.js'
import type { NativeEvent } from '../binding/native.js'
import { PartBuffer } from './part-buffer.js'
import { PartSum } from './part-sum.js'

export type Finished = Extract<NativeEvent, { kind: 'finished' }>

/** What one choice took. */
export interface ChoiceTally {
  readonly completionTokens: number
  /** Undefined where it failed, or has not ended. */
  readonly result: ChoiceResult | undefined
}

/**
 * One of a reply's choices: what came of it and was not taken, and how it ended. Owned by Reply.
 */
export class Choice {
  readonly seed: number
  readonly buffer: PartBuffer
  readonly sum = new PartSum()
  /** Of its native request, once that is submitted. */
  id = 0
  /** Once it is queued. */
  promptTokens: number | undefined
  /** Tokens that came, whoever took them. */
  received = 0
  /** The engine is done with it. */
  isOver = false
  /** Tokens that came and were not credited; those of a reply that `done` drains are, unread. */
  uncredited = 0
  result: ChoiceResult | undefined

  constructor(index: number, seed: number) {
    this.seed = seed
    this.buffer = new PartBuffer(index)
  }

  /** What it took, as far as the engine has told; exact once it has a result. */
  get tally(): ChoiceTally {
    const { received, result } = this
    return { completionTokens: Math.max(received, result?.usage.completionTokens ?? 0), result }
  }

  /** It ended as the engine says, which counts it so: `cancelled` if that came before its end. */
  finish(event: Finished): void {
    const { promptTokens, cachedTokens, completionTokens, reasoningTokens, stopString } = event
    const { queueMs, prefillMs, decodeMs, parkedMs, draftTokens, draftAcceptedTokens } = event
    this.result = {
      finishReason: event.finishReason,
      ...(stopString === undefined ? {} : { stopString }),
      ...this.sum.result,
      seed: this.seed,
      usage: {
        promptTokens,
        cachedTokens,
        completionTokens,
        ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
      },
      timings: { queueMs, prefillMs, decodeMs, parkedMs, draftTokens, draftAcceptedTokens },
    }
  }
}

/** What a choice came to that was cancelled before the engine had it. */
export const cancelledUnstarted: Finished = {
  kind: 'finished',
  id: 0,
  finishReason: 'cancelled',
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  queueMs: 0,
  prefillMs: 0,
  decodeMs: 0,
  parkedMs: 0,
  draftTokens: 0,
  draftAcceptedTokens: 0,
}
