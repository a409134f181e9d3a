import { setImmediate } from 'node:timers/promises'
import type { DecideOptions, DecideResult, DecisionQuestion } from '../../api/decision-types.js'
import type { EngineSettings } from '../../api/types.js'
import type { NativeChat, NativeRequest } from '../../binding/engine-port.js'
import { scalesOf } from '../../options/lora-options.js'
import type { EngineClient } from '../engine-client.js'
import { nativeRequest } from '../native-request.js'
import type { PromptCount } from '../queue/prompt-count.js'
import type { TextAsker } from '../queue/text-jobs.js'
import { answerOf, logSum, type Reading } from './answers.js'
import { answerBeginning } from './beginning.js'
import { blamed } from './blame.js'
import { askToGoOn, checkMayBegin } from './continuations.js'
import { type Label, Labels } from './labels.js'
import { type Asked, chatWith, waysToAsk } from './prompts.js'
import { type PromptReading, readLabels } from './reading.js'
import { sharedTokens, usageOf } from './usage.js'

/** Questions that are put into words at once: with many options each, all would take long. */
const askedAtOnce = 16

/** As in EngineSettings. */
type Limits = Pick<EngineSettings, 'parallel' | 'queue' | 'lora'>

/**
 * What a model needs to decide: its labels, and how its answers begin. Owned by its engine, made
 * when that is first asked.
 */
export class Decider {
  readonly #client: EngineClient
  readonly #labels: Labels
  readonly #begins: string | undefined
  readonly #atOnce: number
  readonly #adapters: EngineSettings['lora']

  private constructor(
    client: EngineClient,
    labels: Labels,
    begins: string | undefined,
    limits: Limits,
  ) {
    this.#client = client
    this.#labels = labels
    this.#begins = begins
    this.#atOnce = promptsAtOnce(limits)
    this.#adapters = limits.lora
  }

  /** @param reasoningEnds the marks that end the model's reasoning */
  static async of(
    client: EngineClient,
    vocabulary: number,
    reasoningEnds: readonly string[],
    limits: Limits,
  ): Promise<Decider> {
    const begins = await answerBeginning(reasoningEnds, (chat) => {
      return client.text('apply-template', { chat })
    })
    const labels = await Labels.of(vocabulary, (tokens) => client.text('pieces', { tokens }))
    return new Decider(client, labels, begins, limits)
  }

  /** Asks each question about a state, and reads its answer from what the model would say first. */
  async decide(
    state: NativeChat,
    questions: readonly DecisionQuestion[],
    { orders = 2, signal, ...shared }: DecideOptions,
    count: PromptCount,
  ): Promise<DecideResult> {
    const asker = { owner: shared.owner, signal }
    const ways = await this.#waysToAsk(state, questions, orders, asker)
    const all = ways.flat()
    const adapters = scalesOf(shared.lora, this.#adapters)
    const requests = all.map((one) => () => requestOf(state, one, shared, adapters))
    const reading = readLabels(this.#client, requests, this.#atOnce, signal, count)
    const readings = await reading.catch(async (error: unknown) => {
      const numbers = ways.flatMap((own, i) => own.map(() => i))
      throw await blamed(error, state, all, numbers, this.#tokensOf(true, asker))
    })
    const usage = await this.#usage(state, all, readings, asker)
    count(usage.promptTokens)
    let next = 0
    const answers = questions.map((question, i) => {
      const own = (ways[i] as Asked[]).map(({ labels }) => {
        return readingOf(labels, (readings[next++] as PromptReading).logprobs)
      })
      return answerOf(question, own)
    })
    return { answers, usage }
  }

  /** Does not start before the answers are there, which a count that fails does not take away. */
  async #usage(
    state: NativeChat,
    asked: readonly Asked[],
    readings: readonly PromptReading[],
    asker: TextAsker,
  ): Promise<DecideResult['usage']> {
    try {
      return usageOf(readings, await sharedTokens(state, asked, this.#tokensOf(false, asker)))
    } catch (error) {
      if (asker.signal?.aborted) throw error
      return usageOf(readings, [])
    }
  }

  #tokensOf(mustFit: boolean, asker: TextAsker) {
    return (chat: NativeChat) => this.#client.text('tokenize-chat', { chat, mustFit }, asker)
  }

  async #waysToAsk(
    state: NativeChat,
    questions: readonly DecisionQuestion[],
    orders: 1 | 2,
    asker: TextAsker,
  ): Promise<Asked[][]> {
    const tokensOf = (text: string) => {
      const job = { text, addSpecial: false, parseSpecial: false }
      return this.#client.text('tokenize', job, asker)
    }
    const ways: Asked[][] = []
    for (const [i, question] of questions.entries()) {
      if (i > 0 && i % askedAtOnce === 0) await setImmediate()
      const at = `questions[${i}]`
      const begins = question.type === 'choice' ? question.begins : undefined
      if (question.type === 'choice' && begins !== undefined) {
        checkMayBegin(state, question, at)
        ways.push([await askToGoOn(question, begins, tokensOf, at)])
        continue
      }
      const asked = waysToAsk(question, this.#labels, orders, at)
      ways.push(asked.map((one) => ({ ...one, begins: this.#begins })))
    }
    return ways
  }
}

/**
 * Of one call: each slot finds its next prompt prepared, and half of the queue is left to others.
 * One place is left to them in any case, if there are two: without a queue that is a slot.
 */
function promptsAtOnce({ parallel, queue }: Pick<Limits, 'parallel' | 'queue'>): number {
  const inQueue = Math.min(parallel, Math.floor(queue / 2))
  return Math.max(1, Math.min(parallel + inQueue, parallel + queue - 1))
}

function requestOf(
  state: NativeChat,
  asked: Asked,
  { cacheSalt, owner }: Pick<DecideOptions, 'cacheSalt' | 'owner'>,
  adapters: ReturnType<typeof scalesOf>,
): Omit<NativeRequest, 'id'> {
  const options = {
    maxTokens: 0,
    seed: 0,
    ...(cacheSalt === undefined ? {} : { cacheSalt }),
    ...(owner === undefined ? {} : { owner }),
  }
  const labelTokens = asked.labels.flatMap(({ tokens }) => tokens)
  return { ...nativeRequest(chatWith(state, asked), options, {}, {}, adapters), labelTokens }
}

/** Of each label, in their order: what its tokens come to together. */
function readingOf(labels: readonly Label[], logprobs: Float32Array): Reading {
  let first = 0
  return labels.map(({ tokens }) => {
    const own = [...logprobs.subarray(first, first + tokens.length)]
    first += tokens.length
    return logSum(own)
  })
}
