import type { ReplyPart } from '../../../src/index.js'

/** What a reader took of one choice. */
export interface Said {
  text: string
  reasoning: string
  calls: { name: string; arguments: string }[]
  /** Of the tokens whose logprobs were told. */
  bytes: string
}

export function nothingSaid(): Said {
  return { text: '', reasoning: '', calls: [], bytes: '' }
}

/** @throws Error where a part is of two kinds, which would lose their order */
export function addPart(said: Said, part: ReplyPart): void {
  const kinds = [part.text !== '', part.reasoning !== undefined, part.toolCalls !== undefined]
  if (kinds.filter(Boolean).length > 1) throw new Error(`two kinds: ${JSON.stringify(part)}`)
  said.text += part.text
  said.reasoning += part.reasoning ?? ''
  for (const { index, name = '', arguments: more } of part.toolCalls ?? []) {
    const call = said.calls[index] ?? { name: '', arguments: '' }
    said.calls[index] = { name: call.name + name, arguments: call.arguments + more }
  }
  for (const { bytes } of part.logprobs ?? []) said.bytes += Buffer.from(bytes).toString('latin1')
}

/** What was read before a reply was left is a beginning of what it would have said. */
export function isBeginning(said: Said, whole: Said): boolean {
  return (
    whole.text.startsWith(said.text) &&
    whole.reasoning.startsWith(said.reasoning) &&
    whole.bytes.startsWith(said.bytes) &&
    said.calls.every((call, i) => {
      const other = whole.calls[i]
      return other?.name === call.name && other.arguments.startsWith(call.arguments)
    })
  )
}
