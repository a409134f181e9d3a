import type { EngineSettings, ModelInfo, ReplyResult } from '../../api/types.js'
import { tokensPerSecond } from './summary.js'

type Counted = Pick<ReplyResult, 'usage' | 'timings'>

/** What the replies of a session took, together. */
export class Totals {
  replies = 0
  promptTokens = 0
  cachedTokens = 0
  completionTokens = 0
  decodeMs = 0
  /** Tokens of the context that the last reply left in use. */
  contextUsed = 0

  add({ usage, timings }: Counted): void {
    this.replies++
    this.promptTokens += usage.promptTokens
    this.cachedTokens += usage.cachedTokens
    this.completionTokens += usage.completionTokens
    this.decodeMs += timings.decodeMs - timings.parkedMs
    this.contextUsed = usage.promptTokens + usage.completionTokens
  }
}

/** @param messages of the conversation as it is now */
export function totalsText(
  totals: Totals,
  messages: number,
  model: Pick<ModelInfo, 'id' | 'description'>,
  { context }: Pick<EngineSettings, 'context'>,
): string {
  const { replies, promptTokens, cachedTokens, completionTokens, decodeMs, contextUsed } = totals
  const usage = { promptTokens, cachedTokens, completionTokens }
  // The first token of each reply stands before its decodeMs.
  const counted = { ...usage, completionTokens: completionTokens - replies + 1 }
  const timings = { decodeMs, parkedMs: 0 }
  const rate = tokensPerSecond({ usage: counted, timings })
  return [
    `model         ${model.id} (${model.description})`,
    `conversation  ${messages} messages`,
    `context       ${contextUsed} of ${context} tokens after the last reply`,
    `replies       ${replies}, ${completionTokens} tokens` +
      (rate === undefined ? '' : `, ${rate} tokens/s`),
    `prompts       ${promptTokens} tokens, ${cachedTokens} of them cached`,
  ].join('\n')
}
