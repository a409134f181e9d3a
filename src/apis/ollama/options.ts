import * as z from 'zod'
import { samplersNotHere, samplingNames } from '../../api/sampling-options.js'
import type { ReasoningOptions, RequestNote, RequestOptions } from '../../api/types.js'
import { check, int32Max, integerFrom } from '../../options/checks.js'
import { nearestEffort } from '../../options/other-words/efforts.js'
import { requestChecks } from '../../options/request-options.js'
import type { ScopedEngine } from '../../web/scoped-engine.js'
import { off, refused } from '../openai/compatibility.js'
import { generationFields } from '../openai/generation.js'
import { type WireName, wireName } from '../openai/option-names.js'
import { checked, optional } from '../request.js'
import { knownFieldsOf, unknownFields, unknownNotes } from '../unknown-fields.js'

type SamplingField = WireName<(typeof samplingNames)[number]>

const samplingFields = Object.fromEntries(
  samplingNames.map((name) => [wireName(name), optional(checked(requestChecks[name]))]),
) as unknown as Record<SamplingField, z.ZodType<number | undefined>>

/** -1 is no limit, and -2 was "until the context is full", which comes to the same. */
const numPredict = checked({
  ...integerFrom(-2, int32Max),
  expected: `${requestChecks.maxTokens.expected}, or -1 for no limit`,
})

const optionsError = 'an object such as {"temperature": 0.5, "num_predict": 100}'

/** Ollama's `options`, and our own samplers by their names. */
export const modelOptions = z.object(
  {
    ...samplingFields,
    num_predict: optional(numPredict),
    num_ctx: optional(checked(integerFrom(0, int32Max))),
    seed: generationFields.seed,
    stop: generationFields.stop,
    tfs_z: refused(off(...(samplersNotHere.tfs_z ?? []))),
  },
  { error: optionsError },
)

/** What tunes, or is about where a model is: settled when it is loaded, by the server's owner. */
export const withoutEffect: readonly string[] = [
  ...['num_keep', 'num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'draft_num_predict', 'numa'],
  ...['low_vram', 'f16_kv', 'logits_all', 'vocab_only', 'use_mmap', 'use_mlock', 'embedding_only'],
  'penalize_newline',
]

const known = knownFieldsOf(modelOptions, withoutEffect)

type ModelOptions = z.output<typeof modelOptions>

/** The engine's options for a request's. @param maxTokens the server's, where it sets no limit */
export function requestOptions(
  options: ModelOptions | undefined,
  maxTokens: number | undefined,
): RequestOptions {
  const { num_predict = -1, seed, stop } = options ?? {}
  const limit = num_predict < 0 ? maxTokens : num_predict
  const given = [
    ...samplingNames.map((name) => [name, options?.[wireName(name)]] as const),
    ...Object.entries({ seed, stop, maxTokens: limit }),
  ]
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** Of options that had no effect. @param given as the request has them */
export function optionNotes(
  given: unknown,
  options: ModelOptions | undefined,
  { settings }: Pick<ScopedEngine, 'settings'>,
): RequestNote[] {
  const { num_ctx = 0 } = options ?? {}
  const notes = unknownNotes(unknownFields(given, known))
  if (num_ctx > settings.context) {
    const message = `expected at most ${settings.context}, the server's context; taken as: that`
    notes.push({ path: 'num_ctx', message })
  }
  return notes.map(({ path, message }) => ({ path: `options.${path}`, message }))
}

const thinkError = 'true, false, "low", "medium", "high" or "max"'

/** Whether, or how much, a model reasons. */
export const think = checked(
  check<boolean | string>(thinkError, (value) => {
    return typeof value === 'boolean' || levels.includes(value)
  }),
)

const levels: readonly unknown[] = ['low', 'medium', 'high', 'max']

export function reasoningOptions(
  wanted: boolean | string | undefined,
  { model }: Pick<ScopedEngine, 'model'>,
): ReasoningOptions {
  if (wanted === undefined || (wanted !== false && !model.canThink)) return {}
  if (typeof wanted === 'boolean') return { enabled: wanted }
  return { enabled: true, effort: nearestEffort(wanted) }
}

export function thinkNotes(
  wanted: boolean | string | undefined,
  { model }: Pick<ScopedEngine, 'model'>,
): RequestNote[] {
  if (wanted === undefined || wanted === false || model.canThink) return []
  const message = 'the model has no marks of reasoning that are known, so it had no effect'
  return [{ path: 'think', message }]
}
