import type { TemplateMessage } from '../../options/chat-messages.js'

/** Where a call stands, and one of the messages that answer calls of it. */
export interface Answered {
  readonly call: number
  readonly answer: number
}

interface Call {
  readonly at: number
  readonly name: string
  isAnswered: boolean
}

/**
 * An answer names its call. One that does not is of the last message that calls: of its first call
 * without an answer, of the same tool if the answer names one. So the engine pairs them too
 * (native/llama/template/message-order.cpp).
 */
export function answersOf(messages: readonly TemplateMessage[]): Answered[] {
  const all: Answered[] = []
  const byId = new Map<string, Call>()
  let last: Call[] = []
  for (const [i, { role, toolCalls, toolCallId, name }] of messages.entries()) {
    if (toolCalls.length > 0) {
      last = toolCalls.map((call) => ({ at: i, name: call.name, isAnswered: false }))
    }
    for (const [k, { id }] of toolCalls.entries()) if (id !== '') byId.set(id, last[k] as Call)
    if (role !== 'tool') continue
    const mayBe = (call: Call) => !call.isAnswered && (name === '' || name === call.name)
    const call = toolCallId === '' ? last.find(mayBe) : byId.get(toolCallId)
    if (call === undefined) continue // an answer without its call
    call.isAnswered = true
    all.push({ call: call.at, answer: i })
  }
  return all
}
