import { Counter, Histogram, type Registry } from 'prom-client'
import type { ChoiceResult } from '../../api/types.js'
import type { ReplyTally } from '../../engine/reply.js'
import type { NameOf } from './names.js'

const firstTokenSeconds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
]
const perTokenSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2.5,
]
const requestSeconds = [
  0.01, 0.03, 0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480,
]
const tokenCounts = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
]

/** The label that tells whose numbers they are. */
export const modelLabel = 'model_name'

/** One value for each choice that came to its end; none where it has nothing to tell. */
interface Measure {
  readonly name: string
  readonly help: string
  readonly buckets: number[]
  readonly value: (choice: ChoiceResult) => number | undefined
}

const measures: readonly Measure[] = [
  {
    name: 'sluice_time_to_first_token_seconds',
    help: 'From the submission of a request until its first token.',
    buckets: firstTokenSeconds,
    value: ({ timings: { queueMs, prefillMs } }) => seconds(queueMs + prefillMs),
  },
  {
    name: 'sluice_inter_token_latency_seconds',
    help: 'Mean time from token to token of a reply, parked time left out; one value a reply.',
    buckets: perTokenSeconds,
    value: interTokenSeconds,
  },
  {
    name: 'sluice_e2e_request_latency_seconds',
    help: 'From the submission of a request until its last token.',
    buckets: requestSeconds,
    value: ({ timings: { queueMs, prefillMs, decodeMs } }) =>
      seconds(queueMs + prefillMs + decodeMs),
  },
  {
    name: 'sluice_request_queue_time_seconds',
    help: 'From the submission of a request until it had a slot; tokenizing included.',
    buckets: requestSeconds,
    value: ({ timings }) => seconds(timings.queueMs),
  },
  {
    name: 'sluice_request_prefill_time_seconds',
    help: 'From then until its first token.',
    buckets: requestSeconds,
    value: ({ timings }) => seconds(timings.prefillMs),
  },
  {
    name: 'sluice_request_decode_time_seconds',
    help: 'From the first token until the last, parked time included.',
    buckets: requestSeconds,
    value: ({ timings }) => seconds(timings.decodeMs),
  },
  {
    name: 'sluice_request_parked_time_seconds',
    help: 'Of that, waiting for the reader, or for a slot to come back to.',
    buckets: requestSeconds,
    value: ({ timings }) => seconds(timings.parkedMs),
  },
]

/**
 * What replies took, looked at once each, when they have ended: no token costs anything here.
 * Owned by Metrics.
 */
export class ReplyMetrics {
  readonly #histograms: { readonly histogram: Histogram; readonly value: Measure['value'] }[]
  readonly #promptTokens: Histogram
  readonly #generationTokens: Histogram
  readonly #success: Counter
  /** Models that are told of, with zeros where they had no replies. */
  readonly #begun = new Set<string>()

  constructor(registry: Registry, nameOf: NameOf) {
    const common = { labelNames: [modelLabel], registers: [registry] }
    this.#histograms = measures.map(({ name, value, ...rest }) => ({
      histogram: new Histogram({ name: nameOf(name), ...rest, ...common }),
      value,
    }))
    this.#promptTokens = new Histogram({
      name: nameOf('sluice_request_prompt_tokens'),
      help: 'Tokens of a prompt that was taken in.',
      buckets: tokenCounts,
      ...common,
    })
    this.#generationTokens = new Histogram({
      name: nameOf('sluice_request_generation_tokens'),
      help: 'Tokens that were generated for a reply, up to its cancellation too.',
      buckets: tokenCounts,
      ...common,
    })
    this.#success = new Counter({
      name: nameOf('sluice_request_success_total'),
      help: 'Replies that came to their end, by why they ended.',
      ...common,
      labelNames: ['finished_reason', modelLabel],
    })
  }

  /**
   * A model is there: its numbers are told from now on, before it had a reply as well. Returns
   * whether that is new.
   */
  begin(model: string): boolean {
    if (this.#begun.has(model)) return false
    this.#begun.add(model)
    const all = this.#histograms.map(({ histogram }) => histogram)
    for (const histogram of [...all, this.#promptTokens, this.#generationTokens]) {
      histogram.zero({ [modelLabel]: model })
    }
    return true
  }

  /** Tokens of all; of a reply that was cancelled or failed, its times would tell nothing. */
  observe(model: string, { promptTokens, choices }: ReplyTally): void {
    if (promptTokens === undefined) return
    this.begin(model)
    const labels = { [modelLabel]: model }
    this.#promptTokens.observe(labels, promptTokens)
    for (const { completionTokens, result } of choices) {
      this.#generationTokens.observe(labels, completionTokens)
      if (result !== undefined && result.finishReason !== 'cancelled') this.#ended(model, result)
    }
  }

  #ended(model: string, choice: ChoiceResult): void {
    this.#success.inc({ finished_reason: choice.finishReason, [modelLabel]: model })
    for (const { histogram, value } of this.#histograms) {
      const now = value(choice)
      if (now !== undefined) histogram.observe({ [modelLabel]: model }, now)
    }
  }
}

function interTokenSeconds({ timings, usage }: ChoiceResult): number | undefined {
  const gaps = usage.completionTokens - 1
  return gaps < 1 ? undefined : seconds((timings.decodeMs - timings.parkedMs) / gaps)
}

function seconds(ms: number): number {
  return Math.max(0, ms) / 1000
}
