import { keep, keptJson } from '../storage.js'

const name = 'sluice-conversation'

export interface UserTurn {
  readonly role: 'user'
  text: string
}

/** How a reply ended; undefined while it comes. */
type TurnEnd = 'stop' | 'length' | 'tool_calls' | 'stopped' | 'broken' | 'failed'

export interface ReplyTurn {
  readonly role: 'assistant'
  /** What the model was called. */
  model: string
  text: string
  reasoning: string
  calls: { name: string; arguments: string }[]
  end: TurnEnd | undefined
  /** What went wrong, in the server's words. */
  error?: string
  /** Milliseconds of its reasoning. */
  thoughtMs?: number
  numbers?: ReplyNumbers
}

export interface ReplyNumbers {
  readonly tokens: number
  readonly promptTokens: number
  readonly cachedTokens: number
  /** Until the first token, and from there to the last. */
  readonly waitMs: number
  readonly writeMs: number
}

export type Turn = UserTurn | ReplyTurn

/** The turns of a conversation, kept in the tab. */
export class Conversation {
  readonly turns: Turn[]

  constructor() {
    this.turns = turnsOf(keptJson(name))
  }

  save(): void {
    keep(name, JSON.stringify(this.turns))
  }

  /** Takes out the turns from this one on. */
  cutAt(index: number): void {
    this.turns.splice(index)
    this.save()
  }
}

/** What was kept by an older page may be of another form. */
function turnsOf(value: unknown): Turn[] {
  if (!Array.isArray(value)) return []
  const turns = value.filter((turn: Partial<Turn> | null) => {
    return (turn?.role === 'user' || turn?.role === 'assistant') && typeof turn.text === 'string'
  }) as Turn[]
  // A reply that came while the page was left has no end.
  for (const turn of turns) if (turn.role === 'assistant') turn.end ??= 'broken'
  return turns
}

export function newReply(model: string): ReplyTurn {
  return { role: 'assistant', model, text: '', reasoning: '', calls: [], end: undefined }
}

/**
 * The messages of a request. A reply that ended by an error and has no text is none; that a reply
 * thought is not told again.
 */
export function messagesOf(turns: readonly Turn[], system: string): object[] {
  const told = turns
    .filter((turn) => turn.role === 'user' || turn.text !== '')
    .map(({ role, text }) => ({ role, content: text }))
  return system.trim() === '' ? told : [{ role: 'system', content: system }, ...told]
}
