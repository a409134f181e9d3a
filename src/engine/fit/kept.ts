import type { OpenAiMessage } from '../../api/openai-types.js'
import type { ChatMessage, KeepsMessage, KeptTurns } from '../../api/types.js'
import type { TemplateMessage } from '../../options/chat-messages.js'
import type { Answered } from './answers.js'

interface Conversation {
  readonly messages: readonly TemplateMessage[]
  /** The same as the caller has them. */
  readonly given: readonly (ChatMessage | OpenAiMessage)[]
  /** The places of users' messages, each of which begins a turn. */
  readonly users: readonly number[]
  readonly answers: readonly Answered[]
}

/** Of each message, whether it is kept in any case. */
export function keptMessages(
  conversation: Conversation,
  keep: KeptTurns | KeepsMessage,
): readonly boolean[] {
  const isKept =
    typeof keep === 'function'
      ? keptByFunction(conversation, keep)
      : keptByRole(conversation, keep.first ?? 0)
  // From answers to calls, and from calls to what else answers them.
  for (const { call, answer } of conversation.answers) if (isKept[answer]) isKept[call] = true
  for (const { call, answer } of conversation.answers) if (isKept[call]) isKept[answer] = true
  return isKept
}

/** The last turn is never among the first ones: it has a rule of its own. */
function keptByRole({ messages, users }: Conversation, firstTurns: number): boolean[] {
  const turns = Math.min(firstTurns, users.length - 1)
  const end = turns > 0 ? (users[turns] as number) : 0
  return messages.map(({ role }, i) => role === 'system' || i < end)
}

/** With a message its turn is kept; of the last turn, its answer and what that called. */
function keptByFunction({ messages, given, users }: Conversation, keep: KeepsMessage): boolean[] {
  const lastTurn = users.at(-1) ?? 0
  const isKept = given.map((message, i) => keep(message as ChatMessage, i) === true)
  const isPinned = isKept.map((kept, i) => kept && messages[i]?.role !== 'system')
  const starts = messages.flatMap(({ role }, i) => {
    return role === 'user' || (role === 'assistant' && i > lastTurn) ? [i] : []
  })
  let from = 0
  for (const to of [...starts, messages.length]) {
    if (isPinned.slice(from, to).includes(true)) isKept.fill(true, from, to)
    from = to
  }
  return isKept
}
