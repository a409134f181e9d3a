/**
 * What `encrypted_content` of a reasoning item holds, asked for or not, as OpenAI has it. Clients
 * that keep nothing on a server send it back, so that the model has its reasoning in the next turn;
 * some send nothing else of the item. It is the text itself and hides nothing: what it says stands
 * beside it as well.
 */

const prefix = 'sluice.'

export function sealed(text: string): string {
  return prefix + Buffer.from(text).toString('base64url')
}

/** Undefined for what is not ours: another server's is known to that server only. */
export function sealedText(sealed: string): string | undefined {
  if (!sealed.startsWith(prefix)) return undefined
  return Buffer.from(sealed.slice(prefix.length), 'base64url').toString()
}
