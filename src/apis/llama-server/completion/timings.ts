import type { ChoiceResult } from '../../../api/types.js'

/** llama-server's `timings`, of a reply that has ended. */
interface LlamaTimings {
  readonly cache_n: number
  readonly prompt_n: number
  readonly prompt_ms: number
  readonly prompt_per_token_ms: number
  readonly prompt_per_second: number
  readonly predicted_n: number
  readonly predicted_ms: number
  readonly predicted_per_token_ms: number
  readonly predicted_per_second: number
  readonly draft_n?: number
  readonly draft_n_accepted?: number
}

/**
 * The first token comes of the prompt's last row, so the steps of a reply are one fewer than its
 * tokens.
 */
export function llamaTimings({ usage, timings }: ChoiceResult): LlamaTimings {
  const { prefillMs, decodeMs, draftTokens, draftAcceptedTokens } = timings
  const computed = usage.promptTokens - usage.cachedTokens
  const steps = Math.max(0, usage.completionTokens - 1)
  return {
    cache_n: usage.cachedTokens,
    prompt_n: computed,
    prompt_ms: prefillMs,
    prompt_per_token_ms: ratio(prefillMs, computed),
    prompt_per_second: ratio(1000 * computed, prefillMs),
    predicted_n: usage.completionTokens,
    predicted_ms: decodeMs,
    predicted_per_token_ms: ratio(decodeMs, steps),
    predicted_per_second: ratio(1000 * steps, decodeMs),
    ...(draftTokens === 0 ? {} : { draft_n: draftTokens, draft_n_accepted: draftAcceptedTokens }),
  }
}

/** 0 where there is nothing to divide by: JSON has no infinity. */
function ratio(a: number, b: number): number {
  return b > 0 ? a / b : 0
}
