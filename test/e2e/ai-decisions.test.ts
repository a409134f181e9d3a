import { APICallError, NoSuchModelError } from '@ai-sdk/provider'
import { afterEach, describe, expect, test } from 'vitest'
import type { DecisionCallOptions } from '../../src/ai-sdk/decision-types.js'
import { createSluice } from '../../src/ai-sdk/index.js'
import { type Engine, load } from '../../src/index.js'
import { thrownBy } from '../support/chats/scripted-provider.js'
import { answerModel } from '../support/models/answer-model.js'

// The AI SDK's model of decisions. test/long/clients.test.ts asks it by experimental_decide.

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

async function opened() {
  const labels = ['A', 'B', 'C'].map((says) => ({ mark: `${says}: billing`, says }))
  const told = [{ mark: 'want money back', says: 'yes' }, ...labels]
  const engine = await load({ model: answerModel({ told }) })
  engines.push(engine)
  return { engine, model: createSluice({ judge: engine }).decisionModel() }
}

const state = [{ type: 'text' as const, text: 'I was charged twice.' }]
const refund = { type: 'boolean', instructions: 'Do they want money back?' }
const team = { type: 'choice', criteria: { sales: 'new orders', billing: null } }

function ask(more: Partial<DecisionCallOptions> = {}): DecisionCallOptions {
  return { state, questions: { refund, team }, ...more }
}

describe('a decision', () => {
  test('is the engine’s, under the names of its questions', async () => {
    const { engine, model } = await opened()
    const score = { type: 'score', instructions: 'How much?', criteria: ['none', null] }
    const options = ask({ questions: { refund, team, score } })
    const { answers, usage, warnings, providerMetadata, response } = await model.doDecide(options)
    const own = await engine.decide('I was charged twice.', [
      { type: 'predicate', instructions: 'Do they want money back?' },
      {
        type: 'choice',
        choices: [{ value: 'sales', description: 'new orders' }, { value: 'billing' }],
      },
      { type: 'score', instructions: 'How much?', levels: ['none', 'level 1'] },
    ])
    const [first, second, third] = own.answers
    expect(answers).toEqual({
      refund: { type: 'boolean', probability: first.probability },
      team: {
        type: 'choice',
        choice: 'billing',
        probabilities: Object.fromEntries(
          second.probabilities.map(({ value, probability }) => [value, probability]),
        ),
      },
      score: {
        type: 'score',
        score: third.score,
        probabilities: {
          0: third.probabilities[0]?.probability,
          1: third.probabilities[1]?.probability,
        },
      },
    })
    expect(usage).toEqual({ inputTokens: own.usage.promptTokens, outputTokens: 0 })
    expect(warnings).toEqual([])
    expect(response).toMatchObject({ modelId: 'judge' })
    expect(providerMetadata.sluice).toEqual({
      cachedTokens: expect.any(Number),
      answers: {
        refund: { mass: first.mass },
        team: { mass: second.mass, confidence: second.confidence },
        score: { mass: third.mass, confidence: third.confidence },
      },
    })
  })

  test('is about texts, JSON and files that are text', async () => {
    const { model } = await opened()
    const data = Buffer.from('want money back')
    const parts: DecisionCallOptions['state'] = [
      { type: 'json', value: { id: 7 } },
      { type: 'file', mediaType: 'text/plain', data },
      { type: 'later' } as never,
    ]
    const questions = { so: { type: 'boolean', instructions: 'Is it so?' } }
    const { answers, warnings } = await model.doDecide(ask({ state: parts, questions }))
    expect(answers.so).toMatchObject({ probability: expect.closeTo(1) })
    expect(warnings).toMatchObject([
      { type: 'unsupported', feature: expect.stringMatching('later') },
    ])
  })

  test('takes our own options, and warns of those that have no effect', async () => {
    const { model } = await opened()
    const both = await model.doDecide(ask())
    const providerOptions = { sluice: { orders: 1, cacheSalt: 'mine' } }
    const once = await model.doDecide(ask({ providerOptions, reasoning: 'none' }))
    expect(once.usage.inputTokens).toBeLessThan(both.usage.inputTokens)
    expect(once.warnings).toEqual([])
    const { warnings } = await model.doDecide(ask({ maxOutputTokens: 5, reasoning: 'high' }))
    expect(warnings).toMatchObject([
      { type: 'unsupported', feature: 'maxOutputTokens' },
      { type: 'unsupported', feature: 'reasoning' },
    ])
  })

  test('keeps names that objects have of their own', async () => {
    const { model } = await opened()
    const questions = Object.fromEntries([['__proto__', refund]])
    const { answers } = await model.doDecide(ask({ questions }))
    expect(Object.keys(answers)).toEqual(['__proto__'])
  })
})

describe('what is wrong with a decision is told in the AI SDK’s words', () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`option ${i}`, null]))

  test.each<[Partial<DecisionCallOptions>, RegExp]>([
    [
      { questions: { $1: { ...team, criteria: many } } },
      /^'questions\.\$1\.criteria': expected at m/,
    ],
    [
      { questions: { a: refund, b: { ...team, criteria: {} } } },
      /^'questions\.b\.criteria'.*object of/,
    ],
    [{ questions: { a: { type: 'box' } } }, /^'questions\.a\.type': expected/],
    [{ questions: {} }, /^'questions': expected/],
    [{ providerOptions: { sluice: { order: 1 } } }, /^'providerOptions\.sluice\.order'.*'orders'/],
  ])('%#', async (more, words) => {
    const { model } = await opened()
    const error = await thrownBy(model.doDecide(ask(more)))
    if (!APICallError.isInstance(error)) expect.fail(`${error}`)
    expect(error.message).toMatch(words)
    expect(error).toMatchObject({ statusCode: 400, isRetryable: false })
  })

  test('where it was aborted, by the signal’s reason', async () => {
    const { model } = await opened()
    const abortSignal = AbortSignal.abort(new Error('enough'))
    expect(await thrownBy(model.doDecide(ask({ abortSignal })))).toMatchObject({
      message: 'enough',
    })
  })

  test('where there is no such engine', async () => {
    const { engine } = await opened()
    const error = await thrownBy((async () => createSluice(engine).decisionModel('other'))())
    expect(NoSuchModelError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({ modelType: 'decisionModel', modelId: 'other' })
  })
})
