import type { DecideOptions, DecideResult, DecisionQuestion } from '../../api/decision-types.js'
import type { NativeChat, NativeRequest } from '../../binding/engine-port.js'
import type { EngineClient } from '../engine-client.js'
import { nativeRequest } from '../native-request.js'
import { answerOf, logSum, type Reading } from './answers.js'
import type { Label, Labels } from './labels.js'
import { type Asked, chatWith, waysToAsk } from './prompts.js'
import { type PromptReading, readLabels } from './reading.js'

interface Decider {
  readonly client: EngineClient
  readonly labels: Labels
  readonly parallel: number
}

/** Asks each question about a state, and reads the answers from what the model would say first. */
export async function decide(
  { client, labels, parallel }: Decider,
  state: NativeChat,
  questions: readonly DecisionQuestion[],
  { orders = 2, cacheSalt, signal }: DecideOptions,
): Promise<DecideResult> {
  const ways = questions.map((question, i) => {
    return waysToAsk(question, labels, orders, `questions[${i}]`)
  })
  const asked = ways.flat()
  const requests = asked.map((one) => () => requestOf(state, one, cacheSalt))
  // So many that each slot finds its next one prepared.
  const reading = readLabels(client, requests, 2 * parallel, signal)
  const [readings, shared] = await Promise.all([
    reading,
    sharedTokens(client, state, twoOf(ways), signal),
  ])
  let next = 0
  const answers = questions.map((question, i) => {
    const own = (ways[i] as Asked[]).map(({ labels: those }) => {
      return readingOf(those, (readings[next++] as PromptReading).logprobs)
    })
    return answerOf(question, own)
  })
  return { answers, usage: usageOf(readings, shared) }
}

function requestOf(
  state: NativeChat,
  { text, labels }: Asked,
  cacheSalt: string | undefined,
): Omit<NativeRequest, 'id'> {
  const options = { maxTokens: 0, seed: 0, ...(cacheSalt === undefined ? {} : { cacheSalt }) }
  const labelTokens = labels.flatMap(({ tokens }) => tokens)
  return { ...nativeRequest(chatWith(state, text), options, {}, {}), labelTokens }
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

/** Two questions; or the two orders of a lone one. */
function twoOf(ways: readonly Asked[][]): Asked[] {
  const [first = [], second] = ways
  return second === undefined ? first : [...first.slice(0, 1), ...second.slice(0, 1)]
}

/** Tokens that all prompts begin with, told by two of them. */
async function sharedTokens(
  client: EngineClient,
  state: NativeChat,
  asked: readonly Asked[],
  signal: AbortSignal | undefined,
): Promise<number> {
  if (asked.length < 2) return 0
  const [a, b] = await Promise.all(
    asked.map(({ text }) => {
      const chat = chatWith(state, text)
      return client.text('tokenize-chat', { chat, mustFit: false }, signal)
    }),
  )
  const most = Math.min(a?.length ?? 0, b?.length ?? 0)
  let shared = 0
  while (shared < most && a?.[shared] === b?.[shared]) shared++
  return shared
}

function usageOf(readings: readonly PromptReading[], shared: number) {
  let all = -(readings.length - 1) * shared
  let computed = 0
  for (const { promptTokens, cachedTokens } of readings) {
    all += promptTokens
    computed += promptTokens - cachedTokens
  }
  return { promptTokens: all, cachedTokens: Math.max(0, all - computed) }
}
