import type { TemplateMessage } from '../../options/chat-messages.js'

/** Where a call stands, and one of the messages that answer calls of it. */
export interface Answered {
  readonly call: number
  readonly answer: number
}

interface Call {
  readonly at: number
  isAnswered: boolean
}

/** An answer names its call; one that does not is of the first call that waits for one. */
export function answersOf(messages: readonly TemplateMessage[]): Answered[] {
  const all: Answered[] = []
  const byId = new Map<string, Call>()
  const inOrder: Call[] = []
  let first = 0 // of those that may wait
  for (const [i, { role, toolCalls, toolCallId }] of messages.entries()) {
    for (const { id } of toolCalls) {
      const call = { at: i, isAnswered: false }
      inOrder.push(call)
      if (id !== '') byId.set(id, call)
    }
    if (role !== 'tool') continue
    while (inOrder[first]?.isAnswered) first++
    const call = toolCallId === '' ? inOrder[first] : byId.get(toolCallId)
    if (call === undefined) continue // an answer without its call
    call.isAnswered = true
    all.push({ call: call.at, answer: i })
  }
  return all
}
