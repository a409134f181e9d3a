/** What a request comes to where there is no other: the measure of all texts. */
import type { Engine } from '../../../src/index.js'
import { Client, Door } from './client.js'
import { type EnginePlan, openEngine } from './engine-plan.js'
import type { Call, ClientPlan } from './plan.js'
import { nothingSaid, type Said } from './said.js'

export interface LoneAnswer {
  end: string
  said: Said
  stopString?: string | undefined
  completionTokens?: number | undefined
  reasoningTokens?: number | undefined
  value?: unknown
}

/** One sequence, nothing kept from one request to the next, nothing drafted, no reader too slow. */
const alone = {
  parallel: 1,
  queue: 4,
  cacheMiB: 0,
  window: 64,
  queueDeadlineMs: 60_000,
  kvCells: undefined,
  draft: undefined,
  lookup: undefined,
  mtp: undefined,
  draftMax: undefined,
}

const enginesMax = 8
const answersMax = 5000

export class LoneRuns implements AsyncDisposable {
  readonly #engines = new Map<string, Engine>()
  readonly #answers = new Map<string, LoneAnswer>()
  #asked = 0

  /** Of one choice of the call. */
  async answer(engine: EnginePlan, call: Call, prompt: string, choice: number) {
    const asked = choiceOf(call, choice)
    const { kind, template, embeds, options } = engine
    const place = JSON.stringify([kind, template, embeds, options.context])
    const key = JSON.stringify([place, asked, prompt])
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = await this.#ask(await this.#engine(place, engine), asked, prompt)
    if (this.#answers.size >= answersMax) this.#answers.clear()
    this.#answers.set(key, answer)
    return answer
  }

  async #ask(engine: Engine, call: Call, prompt: string): Promise<LoneAnswer> {
    const plan: ClientPlan = {
      engine: 0,
      after: [],
      waitMs: 0,
      call: this.#sharingNothing(call),
      reader: { how: 'fast' },
      leave: { how: 'stays' },
    }
    const client = new Client(plan, engine, new Door(1), Promise.resolve())
    const { end, said, result, value } = await client.run(prompt)
    return {
      end,
      said: said[0] ?? nothingSaid(),
      stopString: result?.stopString,
      completionTokens: result?.usage.completionTokens,
      reasoningTokens: result?.usage.reasoningTokens,
      value,
    }
  }

  /** The place that it computes in still holds what was there before: nobody with another salt. */
  #sharingNothing(call: Call): Call {
    const cacheSalt = String(this.#asked++)
    if (call.kind === 'chat') return { ...call, options: { ...call.options, cacheSalt } }
    if (call.kind === 'complete') return { ...call, options: { ...call.options, cacheSalt } }
    return call
  }

  async #engine(place: string, plan: EnginePlan): Promise<Engine> {
    const known = this.#engines.get(place)
    if (known !== undefined) return known
    for (const [oldest, engine] of this.#engines) {
      if (this.#engines.size < enginesMax) break
      this.#engines.delete(oldest)
      await engine.close()
    }
    const opened = await openEngine(plan, alone as object)
    this.#engines.set(place, opened)
    return opened
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#engines.values()].map((engine) => engine.close()))
  }
}

/** As if that choice had been all that was asked for. */
function choiceOf(call: Call, choice: number): Call {
  if (call.kind !== 'complete' && call.kind !== 'chat') return call
  const { n: _, cacheSalt: __, seed, ...options } = call.options
  const own = seed === undefined ? options : { ...options, seed: seed + choice }
  // What follows is in the prompt, which is given apart.
  if (call.kind === 'chat') return { ...call, options: own }
  return { kind: 'complete', prompt: { words: '' }, options: own }
}
