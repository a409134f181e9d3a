import type { OpenAiMessage } from '../../api/openai-types.js'
import type { ChatMessage, KeepsMessage, KeptTurns } from '../../api/types.js'
import type { TemplateMessage } from '../../options/chat-messages.js'
import { answersOf } from './answers.js'
import { keptMessages } from './kept.js'

/** A place before which messages may be dropped: all but those that are kept in any case. */
export interface Cut {
  /** The first message that is not dropped. */
  readonly at: number
  /** The user's message that began the turn which is cut here; it stays. -1 between turns. */
  readonly user: number
  /** Size of the messages before it, as `sizeOf` counts. */
  readonly position: number
  /** `position` of the cut before it, of the same kind: between turns, or within one. */
  readonly previous: number
}

/** Where a conversation may be cut. */
export interface Cuts {
  /** In order. The first drops nothing, the last as much as may be dropped. */
  readonly all: readonly Cut[]
  /** Of each message, whether it is kept in any case. */
  readonly isKept: readonly boolean[]
  /** Size of all messages. */
  readonly size: number
}

/**
 * Cuts stand before users' messages. A turn may also be cut before one of its later answers, such
 * as the second round of a tool's calls; it keeps its user's message then. No cut divides a call
 * from what answers it.
 *
 * The last ones apart, which `keep` may forbid, cuts depend only on what stands before them. So
 * they stay the same while a conversation goes on.
 *
 * @param given the messages as the caller has them, for `keep`
 */
export function cutsOf(
  messages: readonly TemplateMessage[],
  given: readonly (ChatMessage | OpenAiMessage)[],
  keep: KeptTurns | KeepsMessage,
): Cuts {
  const users = messages.flatMap(({ role }, i) => (role === 'user' ? [i] : []))
  const answers = answersOf(messages)
  const lastTurns = typeof keep === 'function' ? undefined : keep.last
  // Beyond it there is no cut.
  const end = lastTurns === undefined ? messages.length : (users.at(-lastTurns) ?? 0)
  const lastAnswer = new Map(answers.map(({ call, answer }) => [call, answer]))
  const all: Cut[] = [{ at: 0, user: -1, position: 0, previous: 0 }]
  const turn = { user: -1, position: 0 }
  let size = 0
  let previous = -1 // position of the turn's answer before
  let answeredAt = -1 // the last answer to a call that was passed
  for (const [i, message] of messages.entries()) {
    const position = size
    size += sizeOf(message)
    const mayCut = i <= end && answeredAt < i
    if (message.role === 'user') {
      if (mayCut && i > 0) all.push({ at: i, user: -1, position, previous: turn.position })
      turn.user = i
      turn.position = position
      previous = -1
    } else if (message.role === 'assistant') {
      if (mayCut && previous >= 0) all.push({ at: i, user: turn.user, position, previous })
      previous = position
    }
    answeredAt = Math.max(answeredAt, lastAnswer.get(i) ?? -1)
  }
  const isKept = keptMessages({ messages, given, users, answers }, keep)
  return { all, isKept, size }
}

/** The messages that a cut drops. */
export function droppedBy({ at, user }: Cut, isKept: readonly boolean[]): number[] {
  const dropped: number[] = []
  for (let i = 0; i < at; i++) if (!isKept[i] && i !== user) dropped.push(i)
  return dropped
}

/** Cuts between turns are above all those within one. */
const turnRank = 64

/**
 * How good a cut is, for its place alone. The best are the first ones behind each multiple of
 * `stride`; then those behind its halves, its quarters, and so on. So a conversation that is cut
 * anew for each of its turns is cut in the same place again, until that place has gone by.
 */
export function rankOf({ user, position, previous }: Cut, stride: number): number {
  let rank = user < 0 ? turnRank : 0
  for (let step = stride; step > 1; step /= 2) {
    if (Math.floor(previous / step) !== Math.floor(position / step)) break
    rank--
  }
  return rank
}

/** What a template writes around a message, about. */
const frameSize = 16

/** In characters: a number that is there without counting tokens. */
export function sizeOf({ content, reasoning, toolCalls }: TemplateMessage): number {
  const calls = toolCalls.reduce((sum, call) => sum + call.name.length + call.arguments.length, 0)
  return frameSize + content.length + reasoning.length + calls
}
