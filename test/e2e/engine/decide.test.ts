import { describe, expect, test } from 'vitest'
import { Labels } from '../../../src/engine/decide/labels.js'
import { chatWith, waysToAsk } from '../../../src/engine/decide/prompts.js'
import {
  type DecisionAnswer,
  type DecisionQuestion,
  type Engine,
  type EngineStats,
  load,
} from '../../../src/index.js'
import { parseChat } from '../../../src/options/chat-options.js'
import { templateText } from '../../support/agents/session.js'
import { closeAfterEach, openEngine } from '../../support/alone.js'
import { answerModel } from '../../support/models/answer-model.js'
import { MODEL_KINDS } from '../../support/models/model-kinds.js'
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

describe('more options than letters', () => {
  const letters = Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i))

  test('have the right one among forty', async () => {
    const labels = [...letters, ...letters.slice(0, 14).map((letter) => letter.toLowerCase())]
    const told = labels.map((label) => ({ mark: `${label}: right`, says: label }))
    const engine = await open({ model: answerModel({ told }) })
    // By name it is the 31st of forty, and the 10th from the end.
    const wrong = Array.from({ length: 39 }, (_, i) => (i < 30 ? `far ${i}` : `sly ${i}`))
    const choices = [...wrong.slice(0, 5), 'right', ...wrong.slice(5)]
    const { answers } = await engine.decide(state, [{ type: 'choice', choices }])
    expect(answers[0]).toMatchObject({ choice: 'right', confidence: expect.closeTo(1) })
    expect(answers[0].probabilities[5]).toEqual({ value: 'right', probability: expect.closeTo(1) })
  })

  test.each(['qwen2', 'llama-spm', 'gpt-2'] as const)('may be 255 with %s', async (tokenizer) => {
    const engine = await open({ model: randomModel({ tokenizer }), context: 8192, parallel: 1 })
    const choices = Array.from({ length: 255 }, (_, i) => `option ${i}`)
    const { answers } = await engine.decide(state, [{ type: 'choice', choices }])
    const shares = sharesOf(answers[0])
    expect(shares).toHaveLength(255)
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
    expect(Math.min(...shares)).toBeGreaterThan(0)
  })
})

describe('the embedded model, which goes on with stories and knows nothing else', () => {
  const animals = ['fox', 'bear', 'cat', 'dog', 'mouse', 'rabbit', 'owl', 'duck']
  const who = { type: 'choice', choices: animals, begins: 'This is a story about a' } as const

  test.each(animals)('tells which animal a story is about: a %s', async (animal) => {
    const engine = await open()
    const { answers } = await engine.decide(`Tell me a story about a ${animal}`, [who])
    expect(answers[0].choice).toBe(animal)
  })

  test('names the first of two options in either order, and neither in both', async () => {
    const engine = await open()
    for (const [i, one] of animals.entries()) {
      const other = animals[(i + 3) % animals.length] as string
      const question = (levels: string[]) => {
        return { type: 'score', instructions: 'Who is the story about?', levels } as const
      }
      const about = `Tell me a story about a ${one}`
      const both = [question([one, other]), question([other, one])]
      const once = await engine.decide(about, both, { orders: 1 })
      for (const { score } of once.answers) expect(score).toBeLessThan(0.01)
      const twice = await engine.decide(about, both)
      for (const { score } of twice.answers) expect(score).toBeCloseTo(0.5, 1)
    }
  })

  test('says little of a label, which its mass tells', async () => {
    const engine = await open()
    const { answers } = await engine.decide('Tell me a story', questions)
    for (const { mass } of answers) expect(mass).toBeLessThan(0.5)
  })
})

test('what is read is what each of the labels’ tokens has after the prompt', async () => {
  const model = randomModel({ tokenizer: 'qwen2' })
  const engine = await open({ model, kvType: 'q8_0', threads: 1 })
  const question = {
    type: 'score',
    instructions: 'How?',
    levels: ['low', 'middle', 'high'],
  } as const
  const labels = await Labels.of(engine.model.vocabulary, (tokens) => engine.pieces(tokens))
  const [asked] = waysToAsk(question, labels, 1, '')
  if (asked === undefined) throw new Error('it is not asked')
  const chat = chatWith(parseChat([{ role: 'user', content: state }], {}), asked)
  const prompt = await engine.tokenize(
    await engine.applyTemplate([{ role: 'user', content: chat.messages[0]?.content ?? '' }]),
    { parseSpecial: true },
  )
  const masses: number[] = []
  for (const { tokens } of asked.labels) {
    expect(tokens).toHaveLength(2) // alone, and behind a blank
    const shares = await Promise.all(tokens.map((token) => shareOf(engine, prompt, token)))
    masses.push(shares.reduce((sum, share) => sum + share, 0))
  }
  const mass = masses.reduce((sum, one) => sum + one, 0)
  const { answers } = await engine.decide(state, [question], { orders: 1 })
  expect(answers[0].mass / mass).toBeCloseTo(1, 3)
  for (const [i, { probability }] of answers[0].probabilities.entries()) {
    expect(probability).toBeCloseTo((masses[i] ?? 0) / mass, 3)
  }
})

/** Of a token after a prompt, as its logprob as a part of a longer prompt says. */
async function shareOf(engine: Engine, prompt: Int32Array, token: number): Promise<number> {
  const reply = engine.complete([...prompt, token], { maxTokens: 0, promptLogprobs: 0 })
  let last = Number.NaN
  for await (const { promptLogprobs = [] } of reply) last = promptLogprobs.at(-1)?.logprob ?? last
  return Math.exp(last)
}

test('choices that begin alike are refused, where they go on with an answer', async () => {
  const engine = await open({ model: randomModel() })
  const question = { type: 'choice', choices: ['ab', 'cd', 'ax'], begins: 'It is' } as const
  await expect(engine.decide('?', [question])).rejects.toMatchObject({
    code: 'ERR_INVALID_REQUEST',
    option: 'questions[0].choices[2]',
  })
})

describe('the first place of the answer', () => {
  test.each([
    ['Qwen-Qwen3-0.6B', '<think>\n\n</think>\n\n'],
    ['Qwen-QwQ-32B', '<think>\n</think>'],
    ['deepseek-ai-DeepSeek-R1-Distill-Llama-8B', '<think></think>Answer:'],
    ['llama-cpp-deepseek-r1', '<think></think>Answer:'],
    ['StepFun3.5-Flash', '<think>\n\n</think>\n\nAnswer:'],
    ['openai-gpt-oss-120b', '<|channel|>final<|message|>Answer:'],
    ['Apriel-1.6-15b-Thinker-fixed', '[BEGIN FINAL RESPONSE]\nAnswer:'],
    ['meta-llama-Llama-3.1-8B-Instruct', 'assistant<|end_header_id|>\n\n'],
  ])('is behind any reasoning with the template %s', async (name, mark) => {
    const model = answerModel({
      told: [
        { mark: refund, says: 'no' },
        { mark, says: 'yes' },
      ],
    })
    const engine = await open({ model, chatTemplate: templateText(`${name}.jinja`) })
    const { answers } = await engine.decide(state, [{ type: 'predicate', instructions: refund }])
    expect(answers[0].probability).toBeGreaterThan(0.99)
  })
})

describe('the order of options', () => {
  const taste = { says: 'A', strength: 40 }
  const team = (choices: string[]) =>
    ({ type: 'choice', instructions: 'Which team?', choices }) as const

  test('decides where a model prefers a label, until both orders are asked', async () => {
    const engine = await open({ model: answerModel({ told, strength: 20, taste }) })
    // By name: "billing" comes before "support", and "annoyed" before "calm" in neither.
    const level = (levels: string[]) => ({ type: 'score', instructions: 'How?', levels }) as const
    const levels = [level(['annoyed', 'calm']), level(['calm', 'annoyed'])]
    const once = await engine.decide(state, levels, { orders: 1 })
    expect(once.answers.map(({ score }) => Math.round(score))).toEqual([0, 0])
    const twice = await engine.decide(state, levels, { orders: 2 })
    expect(twice.answers.map(({ score }) => Math.round(score))).toEqual([0, 1])
  })

  describe('of choices', () => {
    closeAfterEach()

    test.each([1, 2] as const)('is no matter at all, in %i orders', async (orders) => {
      const engine = await openEngine('plain', { parallel: 4 })
      const names = ['sales', 'billing', 'support', 'legal']
      const given = [names, [...names].reverse(), ['legal', 'sales', 'billing', 'support']]
      const { answers } = await engine.decide(state, given.map(team), { orders })
      const shares = answers.map(({ probabilities }) => {
        const byName = new Map(probabilities.map((one) => [one.value, one.probability]))
        return names.map((name) => byName.get(name) ?? 0)
      })
      for (const [i, share] of (shares[0] ?? []).entries()) {
        expect(shares[1]?.[i]).toBeCloseTo(share, 12)
        expect(shares[2]?.[i]).toBeCloseTo(share, 12)
      }
      expect(new Set(shares[0]).size).toBe(4)
    })
  })
})

const about = randomWords(300, 1).join(' ')
const asked = Array.from({ length: 12 }, (_, i): DecisionQuestion => {
  const instructions = randomWords(8, 50 + i).join(' ')
  const words = randomWords(3, 80 + i).map((word, place) => `${word} ${place}`)
  if (i % 3 === 0) return { type: 'predicate', instructions }
  return i % 3 === 1
    ? { type: 'choice', instructions, choices: words }
    : { type: 'score', instructions, levels: words }
})

describe.each(MODEL_KINDS)('a %s model', (kind) => {
  closeAfterEach()

  test('decides the same of one question alone, of many together, and again', async () => {
    const engine = await openEngine(kind, { parallel: 6, cacheMiB: 64, context: 4096 })
    const together = await engine.decide(about, asked)
    const again = await engine.decide(about, asked)
    expect(again.answers).toEqual(together.answers)
    expect(again.usage.promptTokens).toBe(together.usage.promptTokens)
    expect(again.usage.cachedTokens).toBeGreaterThan(together.usage.cachedTokens)
    const alone: DecisionAnswer[] = []
    for (const question of asked) {
      const own = await openEngine(kind, { parallel: 1, cacheMiB: 0, context: 4096 })
      alone.push(...(await own.decide(about, [question])).answers)
      await own.close()
    }
    expect(together.answers).toEqual(alone)
    for (const answer of together.answers) {
      expect(sharesOf(answer).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12)
    }
  })
})

// Beyond what is tokenized whole, so that all but the first two have their beginning's tokens.
describe.each(['qwen2', 'gpt-2', 'llama-spm'] as const)(
  'a state of 20 KB, with %s',
  (tokenizer) => {
    const story = randomWords(4500, 9).join(' ')
    const model = () => randomModel({ tokenizer, weights: 'q8_0', logitDeviation: 8 })
    const settings = { context: 8192, kvType: 'q8_0', cacheMiB: 0, queue: 40 } as const
    const few = asked.slice(0, 3)

    test('has the same answers, many together and each alone', async () => {
      expect(story.length).toBeGreaterThan(18_000)
      const engine = await open({ model: model(), ...settings, parallel: 4 })
      const together = await engine.decide(story, few, { orders: 1 })
      const alone: DecisionAnswer[] = []
      for (const question of few) {
        const own = await load({ model: model(), ...settings, parallel: 1 })
        alone.push(...(await own.decide(story, [question], { orders: 1 })).answers)
        await own.close()
      }
      expect(together.answers).toEqual(alone)
    })
  },
)

test('logits that are not numbers fail a decision, and leave nothing in the engine', async () => {
  const engine = await open({ model: randomModel({ logitDeviation: Number.NaN }), parallel: 2 })
  for (let i = 0; i < 2; i++) {
    await expect(engine.decide(state, questions)).rejects.toMatchObject({
      code: 'ERR_ENGINE_FAILED',
    })
  }
  // It rejects with the first of its prompts that fails, and cancels the others.
  await expect.poll(() => engine.stats()).toMatchObject({ running: 0, parked: 0 })
  expect(engine.stats().failed).toBeGreaterThanOrEqual(2)
})

describe('what is computed', () => {
  const long = randomWords(1000, 3).join(' ')
  const hundred = Array.from({ length: 100 }, (_, i) => {
    return { type: 'predicate', instructions: `${randomWords(14, 200 + i).join(' ')}?` } as const
  })

  test.each([4, 32])(
    'of a state is once for a hundred questions, in %i slots',
    async (parallel) => {
      const model = randomModel({ tokenizer: 'qwen2' })
      const engine = await open({ model, parallel, kvType: 'q8_0', context: 4096 })
      const counts: number[] = []
      for (const text of [long, ...hundred.map(({ instructions }) => instructions)]) {
        counts.push((await engine.tokenize(text)).length)
      }
      expect(counts[0]).toBeGreaterThanOrEqual(1000)
      const own = counts.reduce((sum, count) => sum + count, 0)
      const before = engine.stats()
      const { usage } = await engine.decide(long, hundred)
      const rows = difference(engine, before, 'rowsDecoded')
      expect(rows / own).toBeLessThan(1.3)
      expect(difference(engine, before, 'tokensGenerated')).toBe(0)
      expect(rows).toBe(usage.promptTokens - usage.cachedTokens)
      expect(usage.promptTokens).toBeLessThan(1.3 * own)
    },
  )
})
