import { BrokenOff, type Server } from '../server.js'
import type { ReplyChunk } from '../wire.js'
import type { ReplyTurn } from './conversation.js'

/** What is told of a reply while it comes. */
interface Listener {
  /** Its turn has more than before. */
  onMore(): void
}

/**
 * Has a reply made, and writes what comes into its turn. Resolves once it has ended, however that
 * is: its end, and what went wrong, stand in the turn. Rejects with what is no end of a reply, such
 * as a key that is asked for.
 */
export async function runReply(
  server: Server,
  request: object,
  turn: ReplyTurn,
  signal: AbortSignal,
  listener: Listener,
): Promise<void> {
  const clock = new ReplyClock(turn)
  turn.end = undefined
  delete turn.error
  let end: ReplyTurn['end'] = 'broken'
  try {
    for await (const chunk of server.reply(request, signal)) {
      end = take(chunk, turn, clock) ?? end
      listener.onMore()
    }
  } catch (error) {
    if (error instanceof BrokenOff) end = 'broken'
    else if (signal.aborted) end = 'stopped'
    else {
      end = 'failed'
      turn.error = (error as Error).message
      throw error
    }
  } finally {
    clock.end()
    turn.end = end
  }
}

function take(chunk: ReplyChunk, turn: ReplyTurn, clock: ReplyClock): ReplyTurn['end'] {
  if (chunk.usage) clock.count(chunk.usage)
  const [choice] = chunk.choices
  if (choice === undefined) return undefined
  const { content, reasoning_content: reasoning, tool_calls: calls = [] } = choice.delta
  if (reasoning) {
    turn.reasoning += reasoning
    clock.token('reasoning')
  }
  if (content) {
    turn.text += content
    clock.token('text')
  }
  for (const { index, function: part } of calls) {
    const call = turn.calls[index] ?? { name: '', arguments: '' }
    call.name += part.name ?? ''
    call.arguments += part.arguments ?? ''
    turn.calls[index] = call
    clock.token('text')
  }
  return choice.finish_reason === null ? undefined : (choice.finish_reason as ReplyTurn['end'])
}

/** When its tokens came, and what the server counted. */
class ReplyClock {
  readonly #turn: ReplyTurn
  readonly #start = performance.now()
  #first: number | undefined
  #last = 0
  /** Parts that came: about as many as tokens, until the server tells how many those were. */
  #parts = 0
  #usage: ReplyChunk['usage']

  constructor(turn: ReplyTurn) {
    this.#turn = turn
  }

  token(kind: 'reasoning' | 'text'): void {
    this.#last = performance.now()
    this.#first ??= this.#last
    this.#parts++
    if (kind === 'reasoning' || this.#turn.reasoning === '') return
    this.#turn.thoughtMs ??= this.#last - this.#first
  }

  count(usage: ReplyChunk['usage']): void {
    this.#usage = usage
  }

  end(): void {
    if (this.#first === undefined) return
    this.#turn.numbers = {
      tokens: this.#usage?.completion_tokens ?? this.#parts,
      promptTokens: this.#usage?.prompt_tokens ?? 0,
      cachedTokens: this.#usage?.prompt_tokens_details?.cached_tokens ?? 0,
      waitMs: this.#first - this.#start,
      writeMs: this.#last - this.#first,
    }
  }
}
