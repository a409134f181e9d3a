import type { ModelInfo, ReplyResult } from '../../api/types.js'

interface Limits {
  /** Tokens of the context. */
  readonly context: number
  readonly maxTokens: number | undefined
  readonly model: Pick<ModelInfo, 'trainedContext'>
}

/** What ended a reply before the model did, and what to do, as a sentence; undefined if nothing. */
export function whatCut(
  { limit, usage }: Pick<ReplyResult, 'limit' | 'usage'>,
  { context, maxTokens, model }: Limits,
): string | undefined {
  if (limit === undefined) return undefined
  if (limit === 'maxTokens') {
    return `the reply was cut at ${maxTokens} tokens; a larger --max-tokens gives more`
  }
  const { promptTokens, completionTokens } = usage
  const more =
    context < model.trainedContext
      ? `--context gives more, up to ${model.trainedContext}`
      : 'more is left by a shorter prompt, the model was trained on no more'
  return (
    `the reply was cut where the context of ${context} tokens was full ` +
    `(prompt ${promptTokens}, reply ${completionTokens}); ${more}`
  )
}
