/**
 * Reasoning in a field that clients send back without looking into it: `encrypted_content` of a
 * response's item, the signature of Anthropic's thinking block. A client that keeps or shows
 * nothing else of the reasoning so has it in the next turn's prompt all the same. It is the text
 * itself, and hides nothing from anyone.
 */
const prefix = 'sluice.'

export function sealed(text: string): string {
  return prefix + Buffer.from(text).toString('base64url')
}

/** Undefined for what is not ours: what another server sealed is known to that server only. */
export function sealedText(given: unknown): string | undefined {
  if (typeof given !== 'string' || !given.startsWith(prefix)) return undefined
  return Buffer.from(given.slice(prefix.length), 'base64url').toString()
}
