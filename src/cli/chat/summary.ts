import type { ReplyResult, Timings, Usage } from '../../api/types.js'

type Measured = Pick<ReplyResult, 'finishReason' | 'usage' | 'timings' | 'dropped'>

/** The line behind a reply: how fast it came, and what it took. */
export function summaryOf({ finishReason, usage, timings, dropped = [] }: Measured): string {
  const { promptTokens, cachedTokens, completionTokens } = usage
  const rate = tokensPerSecond({ usage, timings })
  const cached = cachedTokens === 0 ? '' : ` (${cachedTokens} cached)`
  const words = [
    ...(finishReason === 'cancelled' ? ['stopped'] : []),
    ...(rate === undefined ? [] : [`${rate} tokens/s`]),
    `${completionTokens} ${completionTokens === 1 ? 'token' : 'tokens'}`,
    `prompt ${promptTokens}${cached}`,
    ...(dropped.length === 0 ? [] : [`${dropped.length} earlier messages left out`]),
  ]
  return `[${words.join(', ')}]`
}

/** Of a reply that was generated; undefined where it has too few tokens to say. */
export function tokensPerSecond({
  usage,
  timings,
}: {
  readonly usage: Pick<Usage, 'completionTokens'>
  readonly timings: Pick<Timings, 'decodeMs' | 'parkedMs'>
}): string | undefined {
  const seconds = (timings.decodeMs - timings.parkedMs) / 1000
  const gaps = usage.completionTokens - 1 // decodeMs begins with the first token
  if (gaps < 1 || seconds <= 0) return undefined
  const rate = gaps / seconds
  return rate < 100 ? rate.toFixed(1) : String(Math.round(rate))
}
