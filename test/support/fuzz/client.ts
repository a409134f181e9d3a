/** One who asks, reads as it is planned, and may leave. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, Reply, ReplyResult, SluiceError } from '../../../src/index.js'
import type { Call, ClientPlan } from './plan.js'
import { addPart, nothingSaid, type Said } from './said.js'

export interface Outcome {
  /** The prompt of a completion. */
  prompt: string
  /** What it read of each choice. */
  said: Said[]
  /** 'stop' ...; 'done' of what is no reply; or an error's code. */
  end: string
  result?: ReplyResult
  /** Of what is no reply. */
  value?: unknown
  /** It came to a closed engine, or its signal was aborted before. */
  wasRefused: boolean
  /** So many could be in flight that it may have been one too many. */
  mayOverflow: boolean
}

/** How many requests an engine may have in flight, at most, as its clients know. */
export class Door {
  readonly #limit: number
  #inFlight = 0
  /** That left before the engine was done with them, which it may be by now. */
  #leaving = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Whether they may be too many. */
  enter(requests: number): boolean {
    this.#inFlight += requests
    return this.#inFlight > this.#limit || this.#inFlight + this.#leaving > 2 * this.#limit
  }

  leave(requests: number, isDone: boolean): void {
    this.#inFlight -= requests
    if (!isDone) this.#leaving += requests
  }
}

class LeftByThrowing extends Error {}

export class Client {
  readonly #plan: ClientPlan
  readonly #engine: Engine
  readonly #door: Door
  /** Resolves once those that never stall have ended. */
  readonly #othersEnded: Promise<void>
  readonly #abort = new AbortController()

  constructor(plan: ClientPlan, engine: Engine, door: Door, othersEnded: Promise<void>) {
    this.#plan = plan
    this.#engine = engine
    this.#door = door
    this.#othersEnded = othersEnded
  }

  async run(prompt: string): Promise<Outcome> {
    const { call, leave } = this.#plan
    if (leave.how === 'is aborted before') this.#abort.abort('before')
    if (leave.how === 'aborts') setTimeout(() => this.#abort.abort('later'), leave.afterMs)
    const isRequest = call.kind !== 'text'
    const choices = requestsOf(call)
    const wasRefused = this.#engine.closed || leave.how === 'is aborted before'
    const mayOverflow = isRequest && this.#door.enter(choices)
    const known = { prompt, wasRefused, mayOverflow }
    const isReply = call.kind === 'complete' || call.kind === 'chat'
    const outcome = {
      ...known,
      ...(await (isReply ? this.#reply(call, prompt) : this.#value(call))),
    }
    // The engine may still be about to drop what a signal aborted, and the siblings of one that
    // failed.
    const isDone =
      choices === 1
        ? outcome.end !== 'ERR_CANCELLED'
        : outcome.end === 'ERR_OVERLOADED' || 'result' in outcome
    if (isRequest) this.#door.leave(choices, isDone)
    return outcome
  }

  async #value(call: Call): Promise<Pick<Outcome, 'said' | 'end' | 'value'>> {
    try {
      return {
        said: [],
        end: 'done',
        value: await answerOf(this.#engine, call, this.#abort.signal),
      }
    } catch (error) {
      return { said: [], end: codeOf(error) }
    }
  }

  async #reply(
    call: Call & { kind: 'complete' | 'chat' },
    prompt: string,
  ): Promise<Pick<Outcome, 'said' | 'end' | 'result'>> {
    const { leave } = this.#plan
    const { signal } = this.#abort
    const reply =
      call.kind === 'chat'
        ? this.#engine.chat(call.messages, { ...call.options, signal })
        : this.#engine.complete(prompt, { ...call.options, signal })
    if (leave.how === 'cancels') setTimeout(() => reply.cancel(), leave.afterMs)
    const said = Array.from({ length: call.options.n ?? 1 }, nothingSaid)
    const loopEnd = await this.#read(reply, said)
    const outcome = await reply.done.then(
      (result) => ({ said, end: result.finishReason as string, result }),
      (error) => ({ said, end: codeOf(error) }),
    )
    if (loopEnd !== undefined && loopEnd !== outcome.end) {
      throw new Error(`the loop ended with ${loopEnd}, and done with ${outcome.end}`)
    }
    await mustBeSettled(reply)
    return outcome
  }

  /** The error's code with which its loop ended. */
  async #read(reply: Reply, said: Said[]): Promise<string | undefined> {
    const { reader } = this.#plan
    try {
      if (reader.how === 'done') {
        const texts = await reply.texts()
        for (const [i, text] of texts.entries()) (said[i] as Said).text = text
      } else if (reader.how === 'web') {
        await this.#readParts(reply.toWeb() as AsyncIterable<never>, said)
      } else {
        await this.#readParts(reply, said)
      }
    } catch (error) {
      if (!(error instanceof LeftByThrowing)) return codeOf(error)
    }
    return undefined
  }

  async #readParts(parts: Pick<Reply, typeof Symbol.asyncIterator>, said: Said[]): Promise<void> {
    const { reader, leave } = this.#plan
    let taken = 0
    for await (const part of parts) {
      addPart(said[part.choice] as Said, part)
      const isOver = 'parts' in leave && taken >= leave.parts
      if (isOver && leave.how === 'breaks') return
      if (isOver) throw new LeftByThrowing()
      if (reader.how === 'slow') await sleep(reader.pauseMs)
      if (reader.how === 'stalls' && taken === reader.parts) await this.#othersEnded
      taken++
    }
  }
}

function requestsOf(call: Call): number {
  return call.kind === 'complete' || call.kind === 'chat' ? (call.options.n ?? 1) : 1
}

async function answerOf(engine: Engine, call: Call, signal: AbortSignal): Promise<unknown> {
  if (call.kind === 'embed') {
    const { inputs, dimensions } = call
    const options = { signal, ...(dimensions === undefined ? {} : { dimensions }) }
    return (await engine.embed(inputs, options)).embeddings.map((vector) => [...vector])
  }
  if (call.kind !== 'text') throw new Error(`${call.kind} is a reply`)
  const messages = [{ role: 'user' as const, content: call.text }]
  if (call.job === 'applyTemplate') return engine.applyTemplate(messages, {}, { signal })
  if (call.job === 'countTokens') return engine.countTokens(messages)
  const tokens = await engine.tokenize(call.text, { signal })
  if (call.job === 'detokenize') return engine.detokenize(tokens, { signal })
  if (call.job === 'tokenize') return [...tokens]
  return (await engine.pieces(tokens, { signal })).map((piece) =>
    Buffer.from(piece).toString('hex'),
  )
}

/** Once a reply has ended, it was accepted or not. */
async function mustBeSettled(reply: Reply): Promise<void> {
  const accepted = reply.accepted.then(
    () => 'settled',
    () => 'settled',
  )
  const late = sleep(2000, 'pending', { ref: false })
  if ((await Promise.race([accepted, late])) === 'pending') {
    throw new Error('done is settled, and accepted is not')
  }
}

function codeOf(error: unknown): string {
  const { code } = error as SluiceError
  if (typeof code === 'string' && code.startsWith('ERR_')) return code
  throw error
}
