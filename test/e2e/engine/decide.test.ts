import { describe, expect, test } from 'vitest'
import type { DecisionAnswer, DecisionQuestion, Engine, EngineStats } from '../../../src/index.js'
import { answerModel } from '../../support/models/answer-model.js'
import { randomModel } from '../../support/models/random-model.js'
import { randomWords } from '../../support/random-words.js'
import { suiteLoader } from '../../support/suite-engines.js'

// Decisions on the real engine: what is answered, and what is computed for it.

const open = suiteLoader()

const state = 'I was charged twice. Please send the money back.'
const refund = 'Does the customer want money back?'
const thanks = 'Does the customer say thanks?'

/** Says what is right of the questions here, in whatever order options come. */
const told = [
  { mark: refund, says: 'yes' },
  { mark: thanks, says: 'no' },
  ...['A', 'B', 'C'].flatMap((label) => [
    { mark: `${label}: billing`, says: label },
    { mark: `${label}: annoyed`, says: label },
  ]),
]
const questions = [
  { type: 'predicate', instructions: refund },
  { type: 'predicate', instructions: thanks },
  { type: 'choice', instructions: 'Which team?', choices: ['sales', 'billing', 'support'] },
  { type: 'score', instructions: 'How angry?', levels: ['calm', 'annoyed', 'furious'] },
] as const satisfies readonly DecisionQuestion[]

const sharesOf = (answer: DecisionAnswer) => {
  if (answer.type === 'predicate') return [answer.probability, 1 - answer.probability]
  return answer.probabilities.map(({ probability }) => probability)
}

function difference(engine: Engine, before: EngineStats, key: keyof EngineStats): number {
  return Number(engine.stats()[key]) - Number(before[key])
}

describe('a model that is told what is right', () => {
  test.each([1, 2] as const)('decides so, with options in %i orders', async (orders) => {
    const engine = await open({ model: answerModel({ told }) })
    const { answers } = await engine.decide(state, questions, { orders })
    const [wantsRefund, saysThanks, team, anger] = answers
    expect(wantsRefund.probability).toBeGreaterThan(0.99)
    expect(saysThanks.probability).toBeLessThan(0.01)
    expect(team.choice).toBe('billing')
    expect(team.confidence).toBeGreaterThan(0.99)
    expect(anger.score).toBeCloseTo(1, 2)
    expect(anger.probabilities.map(({ label }) => label)).toEqual(['calm', 'annoyed', 'furious'])
    for (const answer of answers) {
      expect(answer.mass).toBeGreaterThan(0.99)
      expect(sharesOf(answer).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
    }
  })
})
