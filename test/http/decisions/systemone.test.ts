import { describe, expect, test } from 'vitest'
import type { NativeRequest } from '../../../src/binding/engine-port.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { saysWhatCame } from '../../support/wire/wrong.js'

// POST /v1/systemone over the fake, in TypeSafe's words.

closeAfterEach()

const path = '/v1/systemone'
const noul = { type: 'noul', instructions: 'Is it about money?' }
const choice = {
  type: 'choice',
  instructions: 'Which team?',
  criteria: { billing: 'money', support: null },
}
const score = { type: 'score', instructions: 'How bad?', criteria: ['low', { pain: 'much' }, null] }

const questionOf = ({ prompt }: NativeRequest) => {
  if (typeof prompt !== 'object' || !('messages' in prompt)) throw new Error('no conversation')
  return prompt.messages.at(-1)?.content ?? ''
}

async function ask(body: object) {
  const labelled = ({ labelTokens }: NativeRequest) => ({
    tokens: [],
    labelLogprobs: labelTokens.map((token) => 64 - token), // the first letter is the likeliest
  })
  const { url, native } = await serve({ script: labelled })
  const response = await postJson(url, path, {
    model: 'default',
    state: 'Twice!',
    orders: 1,
    ...body,
  })
  const text = await response.text()
  expect([response.status, text]).toEqual([200, text])
  const notes = response.headers.get('x-sluice-notes')
  return { body: JSON.parse(text), asked: native.submitted.map(questionOf), notes }
}

test('each question has its answer by its name', async () => {
  const { body } = await ask({ questions: { money: noul, team: choice, bad: score } })
  expect(Object.keys(body.answers)).toEqual(['money', 'team', 'bad'])
  const { money, team, bad } = body.answers
  const [first, second] = [1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(1))]
  expect(money).toEqual({ type: 'noul', noul: expect.closeTo(first) })
  expect(team).toEqual({
    type: 'choice',
    choice: 'billing',
    probabilities: { billing: expect.closeTo(first), support: expect.closeTo(second) },
    confidence: expect.closeTo(2 * first - 1),
  })
  expect(bad.legend).toEqual({ 0: 'low', 1: '{"pain":"much"}', 2: 'level 2' })
  expect(bad.score).toBeLessThan(0.5)
  expect(Object.keys(bad.probabilities)).toEqual(['0', '1', '2'])
  expect(body.model).toBe('default')
  expect(body.usage.output_tokens).toBe(0)
})

describe(wireCheck(67), () => {
  test.each([
    ['a text', 'Twice!', 'Twice!'],
    ['an object', { order: 7 }, '{"order":7}'],
    ['an array', [1, 2], '[1,2]'],
    ['nothing', null, ''],
    [
      'parts of the AI SDK',
      [
        { type: 'text', text: 'a' },
        { type: 'json', value: { b: 1 } },
      ],
      'a\n{"b":1}',
    ],
    [
      'parts of JSON that are null or a text',
      [
        { type: 'json', value: null },
        { type: 'json', value: 'a' },
      ],
      'null\na',
    ],
    ['what only looks like parts', [{ type: 'text', words: 'a' }], '[{"type":"text","words":"a"}]'],
  ])('the state may be %s', async (_, state, text) => {
    const { asked } = await ask({ state, questions: { bad: score } })
    expect(asked[0]?.split('Answer the question')[0]).toBe(text === '' ? '' : `${text}\n\n`)
  })
})

describe('what the engine is asked', () => {
  test('has what yes and no mean, and instructions of JSON', async () => {
    const criteria = { true: 'any sum', false: ['no', 'sum'] }
    const instructions = { ask: 'money?' }
    const { asked } = await ask({ questions: { a: { type: 'noul', instructions, criteria } } })
    const expected =
      'Question: {"ask":"money?"}\nYes means: any sum\nNo means: ["no","sum"]\nA: yes\nB: no'
    expect(asked[0]).toContain(expected)
  })

  test('may have no instructions where options say enough', async () => {
    const { asked } = await ask({ questions: { a: { type: 'choice', criteria: choice.criteria } } })
    expect(asked[0]).toContain('Question: Which one fits best?\nA: billing (money)\nB: support')
  })

  test('has nothing of unknown fields, which a note names', async () => {
    const { notes } = await ask({ questions: { a: noul }, wizard: 1 })
    expect(notes).toBe('wizard: unknown, so it had no effect')
  })

  test('has nothing of them within questions either', async () => {
    const criteria = { true: 'so', maybe: 'perhaps' }
    const questions = { a: { ...noul, instruction: 'x', criteria }, 'ä\n': { ...score, b: 1 } }
    const { notes } = await ask({ questions })
    expect(notes).toContain('questions.a.instruction: unknown, so it had no effect')
    expect(notes).toContain('questions.a.criteria.maybe: unknown, so it had no effect')
    expect(notes).toContain('.b: unknown, so it had no effect')
  })
})

const wrong: [body: object, field: string][] = [
  [{ questions: { a: noul }, state: undefined }, 'state'],
  [{ questions: {} }, 'questions'],
  [{ questions: [noul] }, 'questions'],
  [{ questions: undefined }, 'questions'],
  [{ questions: { a: 'Is it?' } }, 'questions.a'],
  [{ questions: { a: { type: 'box', instructions: 'Where?' } } }, 'questions.a.type'],
  [{ questions: { a: { type: 'noul' } } }, 'questions.a.instructions'],
  [{ questions: { a: { ...noul, criteria: ['yes'] } } }, 'questions.a.criteria'],
  [{ questions: { a: { ...choice, criteria: ['billing'] } } }, 'questions.a.criteria'],
  [{ questions: { b: noul, a: { ...choice, criteria: {} } } }, 'questions.a.criteria'],
  [{ questions: { a: { ...score, criteria: 'low' } } }, 'questions.a.criteria'],
  [{ questions: { a: { ...score, criteria: [] } } }, 'questions.a.criteria'],
  [
    { questions: { a: noul }, state: [{ type: 'file', mediaType: 'image/png', data: 'x' }] },
    'state[0].type',
  ],
  [{ questions: { a: noul }, orders: 0 }, 'orders'],
  [{ questions: { a: noul }, model: 7 }, 'model'],
]

describe(wireCheck(68), () => {
  test.each(wrong.map(([body, field]) => [field, body] as const))(
    'a request is refused at %s in its own shape (case %#)',
    async (field, body) => {
      const { url, native } = await serve()
      const response = await postJson(url, path, { state: 'a', ...body })
      const { detail } = (await response.json()) as { detail: string }
      expect([response.status, detail]).toEqual([422, expect.stringMatching(saysWhatCame(field))])
      expect(native.submitted).toEqual([])
    },
  )
})

test('an error has a name as it is, cut where it is long, and tells of an object', async () => {
  const { url } = await serve()
  const detailOf = async (id: string) => {
    const questions = { [id]: { ...choice, criteria: {} } }
    const response = await postJson(url, path, { state: 'a', questions })
    return ((await response.json()) as { detail: string }).detail
  }
  expect(await detailOf('$&$`')).toBe(
    "'questions.$&$`.criteria': expected an object of 1 to 255 options, but got an object of 0.",
  )
  expect((await detailOf('a'.repeat(5000))).length).toBeLessThan(400)
})

test.each([
  ['no JSON', '{', 400],
  ['no object', '7', 400],
])('a body that is %s is a 400', async (_, text, status) => {
  const { url } = await serve()
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url + path, { method: 'POST', body: text, headers })
  expect(response.status).toBe(status)
  expect(await response.json()).toEqual({ detail: expect.stringContaining('Expected') })
})

test('a wrong key is a 401, and what is too long is named: the state, or a question', async () => {
  const refuse = { code: 'ERR_CONTEXT_LENGTH', message: 'long', promptTokens: 900 } as const
  let contextTokens = 10
  const { url } = await serve({
    script: () => ({ tokens: [], refuse: { ...refuse, contextTokens } }),
    server: { apiKeys: ['secret'] },
  })
  const body = { state: 'a', questions: { a: noul } }
  const without = await postJson(url, path, body)
  expect(without.status).toBe(401)
  expect(await without.json()).toEqual({ detail: expect.stringContaining('Authorization') })
  const detail = async () => {
    const long = await postJson(url, path, body, { authorization: 'Bearer secret' })
    expect(long.status).toBe(400)
    return ((await long.json()) as { detail: string }).detail
  }
  expect(await detail()).toMatch(/^'state': the state has 147 tokens/)
  contextTokens = 800
  expect(await detail()).toMatch(/^'questions.a': this question with its state has 900 tokens/)
})
