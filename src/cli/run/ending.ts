import type { ModelInfo, ReplyResult } from '../../api/types.js'

interface Limits {
  /** Tokens of the context. */
  readonly context: number
  readonly maxTokens: number | undefined
  readonly model: Pick<ModelInfo, 'trainedContext'>
}

/** What ended a reply before the model did, and what to do, as a sentence; undefined if nothing. */
export function whatCut(
  { finishReason, usage }: Pick<ReplyResult, 'finishReason' | 'usage'>,
  { context, maxTokens, model }: Limits,
): string | undefined {
  if (finishReason !== 'length') return undefined
  const { promptTokens, completionTokens } = usage
  if (maxTokens !== undefined && promptTokens + completionTokens < context) {
    return `the reply was cut at ${maxTokens} tokens; a larger --max-tokens gives more`
  }
  const more =
    context < model.trainedContext
      ? `--context gives more, up to ${model.trainedContext}`
      : 'more is left by a shorter prompt, the model was trained on no more'
  return (
    `the reply was cut where the context of ${context} tokens was full ` +
    `(prompt ${promptTokens}, reply ${completionTokens}); ${more}`
  )
}
