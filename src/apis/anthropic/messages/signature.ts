/**
 * The signature of a thinking block: Anthropic's clients send it back, and none of them looks into
 * it. Where the text of the thinking was to be left out, the signature carries it, so that the
 * next turn's prompt has it all the same. Any other signature says nothing.
 */
const mark = 'sluice:'

export function signatureOf(hidden: string): string {
  return mark + Buffer.from(hidden).toString('base64url')
}

/** The text that a signature carries; '' for those of others. */
export function hiddenIn(signature: unknown): string {
  if (typeof signature !== 'string' || !signature.startsWith(mark)) return ''
  return Buffer.from(signature.slice(mark.length), 'base64url').toString('utf8')
}
