import { ContextLengthError } from '../../api/errors.js'
import type { OpenAiMessage } from '../../api/openai-types.js'
import type { ChatMessage } from '../../api/types.js'
import type { NativeChat } from '../../binding/engine-port.js'
import type { SettledFit } from '../../options/fit-options.js'
import type { EngineClient } from '../engine-client.js'
import type { TextAsker } from '../queue/text-jobs.js'
import { type Cut, type Cuts, cutsOf, droppedBy, rankOf, sizeOf } from './cuts.js'

/** A conversation that fits. */
interface Fitted {
  readonly chat: NativeChat
  /** Places of what was dropped, in ascending order. */
  readonly dropped: readonly number[]
  readonly promptTokens: number
}

/** Finds what of a conversation fits. Rejects with ContextLengthError, or as counting does. */
export type FitsChat = (asker: TextAsker) => Promise<Fitted>

/** @param given the chat's messages as the caller has them */
export function fitterOf(
  client: EngineClient,
  chat: NativeChat,
  given: readonly (ChatMessage | OpenAiMessage)[],
  rules: SettledFit,
): FitsChat {
  const cuts = cutsOf(chat.messages, given, rules.keep) // now: `keep` is the caller's
  return async (asker) => {
    return new Fitting(chat, cuts, rules, counterOf(client, chat, asker)).run()
  }
}

/** Counts tokens. */
interface Counter {
  /** Of the prompt of some of the conversation's messages, its last ones among them. */
  chat(messages: NativeChat['messages']): Promise<number>
  /** Of messages that make no conversation alone. */
  alone(messages: NativeChat['messages']): Promise<number>
}

function counterOf(client: EngineClient, chat: NativeChat, asker: TextAsker): Counter {
  // Without what only a reply needs of them.
  const tools = chat.tools.map((tool) => ({ ...tool, rules: '', root: '', properties: [] }))
  const count = async (part: Partial<NativeChat>) => {
    const work = { chat: { ...chat, tools, ...part }, mustFit: true }
    try {
      return (await client.text('tokenize-chat', work, asker)).length
    } catch (error) {
      if (error instanceof ContextLengthError) return error.promptTokens // at least
      throw error
    }
  }
  return {
    chat: (messages) => count({ messages }),
    alone: (messages) => count({ messages: [...messages, emptyMessage], continues: false }),
  }
}

const emptyMessage = {
  role: 'user',
  content: '',
  reasoning: '',
  name: '',
  toolCallId: '',
  toolCalls: [],
}

/**
 * Characters for each token of the room, of what is counted first: the conversation's end that
 * hardly fits. All of it may be a thousand times as long.
 */
const charactersFirst = 8

/** Of the share that shall stay, what may be missing, so that a good cut is within reach. */
const slack = 0.25

/**
 * Looks for the cut of a conversation whose prompt has at most `room` tokens, and makes few
 * prompts for that: some six, and more only where messages are of very different sizes.
 */
class Fitting {
  readonly #chat: NativeChat
  readonly #cuts: Cuts
  readonly #rules: SettledFit
  readonly #count: Counter
  /** Tokens of the prompts that were counted, by the index of their cut. */
  readonly #counted = new Map<number, number>()

  constructor(chat: NativeChat, cuts: Cuts, rules: SettledFit, count: Counter) {
    this.#chat = chat
    this.#cuts = cuts
    this.#rules = rules
    this.#count = count
  }

  async run(): Promise<Fitted> {
    const { room } = this.#rules
    const index = await this.#find()
    const promptTokens = await this.#tokens(index)
    if (promptTokens > room) throw tooLong(promptTokens, this.#rules)
    const { all, isKept } = this.#cuts
    const dropped = droppedBy(all[index] as Cut, isKept)
    return { chat: { ...this.#chat, messages: this.#after(index) }, dropped, promptTokens }
  }

  /**
   * The index of the cut that is taken: of those that leave at most `room`, and more than enough,
   * the best one by its rank, and of equally good ones the first. Where there is none, it is the
   * first that leaves at most `room`. Where not even the last one does, it is that.
   */
  async #find(): Promise<number> {
    const { room } = this.#rules
    let tooEarly = await this.#firstTooEarly()
    if (tooEarly < 0) return 0
    const last = this.#cuts.all.length - 1
    if ((await this.#tokens(last)) > room) return last // whatever else is dropped
    const enough = await this.#enough()
    const stride = await this.#stride()
    const ranks = this.#cuts.all.map((cut) => rankOf(cut, stride))
    let end = last
    let found: number | undefined
    for (;;) {
      const index = bestBetween(ranks, tooEarly, end, found)
      if (index === undefined) return found ?? end
      const tokens = await this.#tokens(index)
      if (tokens > room) tooEarly = index
      else end = index
      if (tokens <= room && tokens > enough) found = index
    }
  }

  /** A cut that leaves too much, found from the conversation's end; -1 where all of it fits. */
  async #firstTooEarly(): Promise<number> {
    const { all, size } = this.#cuts
    for (let reach = this.#rules.room * charactersFirst; ; reach *= charactersFirst) {
      const found = all.findIndex(({ position }) => size - position <= reach)
      const index = found < 0 ? all.length - 1 : found
      if ((await this.#tokens(index)) > this.#rules.room) return index
      if (index === 0) return -1
    }
  }

  /** Tokens that a cut must leave more of than this, not to be too late. */
  async #enough(): Promise<number> {
    const { room, retentionRatio } = this.#rules
    const kept = this.#chat.messages.filter((_, i) => this.#cuts.isKept[i])
    const keptTokens = await this.#count.alone(kept)
    return keptTokens + Math.max(0, room - keptTokens) * retentionRatio * (1 - slack)
  }

  /**
   * How far good cuts are apart, in characters: what a drop shall free, as messages of this
   * conversation have characters for each token. By its beginning alone, so that it is the same
   * again when the conversation has gone on.
   */
  async #stride(): Promise<number> {
    const { room, retentionRatio } = this.#rules
    const { messages } = this.#chat
    const opening = messages.slice(0, this.#cuts.isKept.indexOf(false))
    const openingTokens = await this.#count.alone(opening)
    const sample = beginningOf(messages.slice(opening.length), room)
    const size = sample.reduce((sum, message) => sum + sizeOf(message), 0)
    const tokens = (await this.#count.alone([...opening, ...sample])) - openingTokens
    const freed = (1 - retentionRatio) * (room - openingTokens)
    return (freed * size) / Math.max(1, tokens)
  }

  async #tokens(index: number): Promise<number> {
    const known = this.#counted.get(index)
    if (known !== undefined) return known
    const tokens = await this.#count.chat(this.#after(index))
    this.#counted.set(index, tokens)
    return tokens
  }

  #after(index: number): NativeChat['messages'] {
    const { at, user } = this.#cuts.all[index] as Cut
    return this.#chat.messages.filter((_, i) => i >= at || i === user || this.#cuts.isKept[i])
  }
}

/**
 * The middle one of the highest ranks between two indexes; undefined where there is none. With
 * `found`, only what is as high.
 */
function bestBetween(
  ranks: readonly number[],
  after: number,
  before: number,
  found: number | undefined,
): number | undefined {
  let highest = found === undefined ? Number.NEGATIVE_INFINITY : (ranks[found] as number)
  let best: number[] = []
  for (let i = after + 1; i < before; i++) {
    const rank = ranks[i] as number
    if (rank > highest) best = []
    highest = Math.max(highest, rank)
    if (rank === highest) best.push(i)
  }
  return best[best.length >> 1]
}

/** The first messages, up to this size. */
function beginningOf(messages: NativeChat['messages'], size: number): NativeChat['messages'] {
  const beginning: NativeChat['messages'] = []
  let left = size
  for (const message of messages) {
    const own = sizeOf(message)
    const cutOff = { content: message.content.slice(0, left), reasoning: '', toolCalls: [] }
    beginning.push(own <= left ? message : { ...message, ...cutOff })
    left -= own
    if (left <= 0) break
  }
  return beginning
}

function tooLong(promptTokens: number, { room, contextTokens }: SettledFit): ContextLengthError {
  return new ContextLengthError(
    `what must stay of the conversation has ${promptTokens} tokens, and a context of ` +
      `${contextTokens} has room for ${room}, as ${contextTokens - room} are left for the reply; ` +
      'shorten the system message, the tools or the last turn, keep or reserve less, or raise ' +
      'the context',
    promptTokens,
    contextTokens,
  )
}
