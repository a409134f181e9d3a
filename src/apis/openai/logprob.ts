/** OpenAI's number for what never happens: JSON has no infinity. */
const logprobMin = -9999

/** A natural logarithm as the wire can hold it. */
export function wireLogprob(logprob: number): number {
  return Math.max(logprob, logprobMin)
}
