/** Tools that say by themselves that they failed say it once. */
const saysError = /^\W*(?:tool_use_)?error\b/i

/** What a model is told of a call that failed, where only its protocol says that it did. */
export function failedAnswer(text: string): string {
  return saysError.test(text) ? text : `Error: ${text}`
}
