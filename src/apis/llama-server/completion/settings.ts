import {
  drySequenceBreakers,
  type SamplerStep,
  samplerSteps,
  samplingNames,
} from '../../../api/sampling-options.js'
import type { CompletionOptions, EngineSettings } from '../../../api/types.js'
import { scalesOf } from '../../../options/lora-options.js'
import { wireName } from '../../openai/option-names.js'
import { anyLlamaSeed } from '../../seed.js'

/** What of a request is told beside the engine's options. */
interface ToldSettings {
  readonly stream: boolean
  readonly n_probs: number
  readonly timings_per_token: boolean
}

/**
 * llama-server's `generation_settings`: what a reply was made with, by its names. What is not here
 * has the value that says so.
 */
export function generationSettings(
  { sampling, lora }: Pick<EngineSettings, 'sampling' | 'lora'>,
  options: CompletionOptions,
  told: ToldSettings,
  seed: number | undefined = options.seed ?? sampling.seed ?? undefined,
) {
  const numbers = samplingNames.map((name) => [wireName(name), options[name] ?? sampling[name]])
  const { maxTokens = -1, stop = [], logitBias = {}, grammar = '' } = options
  const steps: readonly SamplerStep[] = options.samplers?.length ? options.samplers : samplerSteps
  return {
    seed: seed ?? anyLlamaSeed,
    ...(Object.fromEntries(numbers) as Record<string, number>),
    dry_sequence_breakers: options.drySequenceBreakers ?? drySequenceBreakers,
    adaptive_target: -1,
    adaptive_decay: 0,
    stop: [stop].flat(),
    max_tokens: maxTokens,
    n_predict: maxTokens,
    n_keep: 0,
    n_discard: 0,
    ignore_eos: options.ignoreEos ?? false,
    stream: told.stream,
    logit_bias: Object.entries(logitBias).map(([token, bias]) => ({ token: +token, bias })),
    n_probs: told.n_probs,
    min_keep: 0,
    grammar,
    grammar_lazy: false,
    grammar_triggers: [],
    preserved_tokens: [],
    samplers: steps,
    timings_per_token: told.timings_per_token,
    post_sampling_probs: false,
    lora: loraOf(options, lora),
  }
}

/** All adapters, by llama-server's ids. */
function loraOf({ lora }: CompletionOptions, adapters: EngineSettings['lora']) {
  const scales = new Map(scalesOf(lora, adapters))
  return adapters.map((_, id) => ({ id, scale: scales.get(id) ?? 0 }))
}
