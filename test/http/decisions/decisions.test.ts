import { describe, expect, test } from 'vitest'
import type { ErrorBody } from '../../../src/apis/openai/errors.js'
import type { NativeRequest } from '../../../src/binding/engine-port.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { wrongField } from '../../support/wire/wrong.js'

// POST /v1/decisions over the fake: what the engine is asked, what is answered, and what is
// refused. Every answer is also held against the declarations of OpenAI's client.

closeAfterEach()

const path = '/v1/decisions'
const predicate = { type: 'predicate', instructions: 'Is it about money?' }
const choice = {
  type: 'choice',
  instructions: 'Which team?',
  choices: [{ value: 'billing', description: 'money' }, { value: 'support' }, { value: true }],
}
const score = {
  type: 'score',
  instructions: 'How bad?',
  levels: [{ label: 'low' }, { label: 'high' }],
}
const all = [predicate, { ...choice, name: 'team' }, { ...score, name: 'badness' }]

const askedOf = ({ prompt }: NativeRequest) => {
  if (typeof prompt !== 'object' || !('messages' in prompt)) throw new Error('no conversation')
  return prompt.messages.map(({ role, content }) => [role, content] as const)
}

/** Of the fake's vocabulary each character is a token, and none of them says yes or no. */
const first = () => ({
  tokens: [],
  labelLogprobs: [-0.1, -3, -4],
  promptTokens: 7,
  cachedTokens: 3,
})

async function decide(url: string, body: object) {
  const response = await postJson(url, path, body)
  const text = await response.text()
  expect([response.status, text]).toEqual([200, text])
  return { notes: response.headers.get('x-sluice-notes'), body: JSON.parse(text) }
}

const shown = async (body: object) => {
  const { url, native } = await serve()
  const { notes } = await decide(url, { questions: [score], orders: 1, ...body })
  return { messages: askedOf(native.submitted[0] as NativeRequest), notes }
}

describe(wireCheck(64), () => {
  test('each question has its answer, in their order, by its name or null', async () => {
    const { url } = await serve({
      script: (request) => {
        return { tokens: [], labelLogprobs: request.labelTokens.map((token) => 64 - token) }
      },
    })
    const { body } = await decide(url, { model: 'default', input: 'Twice!', questions: all })
    expect(body.model).toBe('default')
    expect(
      body.answers.map(({ type, name }: { type: string; name: string | null }) => [type, name]),
    ).toEqual([
      ['predicate', null],
      ['choice', 'team'],
      ['score', 'badness'],
    ])
    const [yes, team, bad] = body.answers
    expect(yes.probability).toBeCloseTo(0.5, 6) // both orders say that the first is likelier
    expect(team.probabilities.map(({ value }: { value: unknown }) => value)).toEqual([
      'billing',
      'support',
      true,
    ])
    expect(
      team.probabilities.reduce(
        (sum: number, one: { probability: number }) => sum + one.probability,
        0,
      ),
    ).toBeCloseTo(1, 12)
    expect(bad.probabilities).toMatchObject([
      { value: 0, label: 'low' },
      { value: 1, label: 'high' },
    ])
    expect(bad.score).toBeCloseTo(0.5, 6)
    expect(bad.confidence).toBeCloseTo(0, 6)
  })
})

describe(wireCheck(66), () => {
  test('the tokens of the state count once, and none was generated', async () => {
    const { url } = await serve({ script: first })
    const questions = [{ ...score, levels: [...score.levels, { label: 'top' }] }]
    const { body } = await decide(url, { input: 'a', questions, orders: 1 })
    expect(body.usage).toEqual({
      input_tokens: 7,
      input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0 },
      output_tokens: 0,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 7,
    })
  })
})

describe(wireCheck(65), () => {
  test('labels are asked for in both orders, and neither reasoning nor a text', async () => {
    const { url, native } = await serve()
    await decide(url, { input: 'a', questions: [score], orders: 2 })
    const [one, two] = native.submitted as [NativeRequest, NativeRequest]
    expect(one).toMatchObject({ maxTokens: 0, labelTokens: [65, 66] })
    expect(two).toMatchObject({ maxTokens: 0, labelTokens: [66, 65] })
    expect(one.prompt).toMatchObject({ wantsReasoning: false, continues: false })
  })
})

describe('what is answered', () => {
  test('is one for each of 400 questions, some at a time', async () => {
    const { url, native } = await serve({ engine: { parallel: 2, queue: 1 } })
    const questions = Array.from({ length: 400 }, (_, i) => ({ ...score, name: `q${i}` }))
    const { body } = await decide(url, { input: 'a', questions, orders: 1 })
    expect(body.answers.map(({ name }: { name: string }) => name)).toEqual(
      questions.map(({ name }) => name),
    )
    expect(native.submitted).toHaveLength(400)
  })
})

describe(wireCheck(67), () => {
  test('items are a conversation, JSON among them, with the question at its end', async () => {
    const { messages } = await shown({
      input: [
        { role: 'developer', content: 'Be strict.' },
        {
          type: 'message',
          role: 'user',
          content: [
            {
              type: 'input_text',
              text: 'The order:',
              prompt_cache_breakpoint: { mode: 'explicit' },
            },
            { type: 'input_json', data: { id: 7, lines: [] } },
          ],
        },
        { type: 'function_call', call_id: 'c', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'nothing' },
      ],
    })
    expect(messages.map(([role]) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'user'])
    expect(messages[1]?.[1]).toBe('The order:\n{"id":7,"lines":[]}')
    expect(messages[4]?.[1]).toMatch(/^Answer the .*Question: How bad\?\nA: low\nB: high$/s)
  })
})

describe('what the engine is asked', () => {
  test('is a text with the question behind it, and each option with its label', async () => {
    const { messages } = await shown({ input: 'Twice!', questions: [choice] })
    expect(messages).toHaveLength(1)
    expect(messages[0]?.[1]).toMatch(
      /^Twice!\n\nAnswer .*\n\nQuestion: Which team\?\nA: billing \(money\)\nB: support\nC: true$/s,
    )
  })

  test('has instructions of several parts, and no null', async () => {
    const instructions = [
      { type: 'input_text', text: 'How' },
      { type: 'input_text', text: 'bad?' },
    ]
    const levels = [
      { label: 'low', description: null },
      { label: 'high', extra: 1 },
    ]
    const { messages } = await shown({
      input: 'a',
      questions: [{ ...score, instructions, levels, name: null }],
    })
    expect(messages[0]?.[1]).toMatch(/Question: How\nbad\?\nA: low\nB: high$/)
  })

  test('knows nothing of fields without effect, and a note tells what is unknown', async () => {
    const { notes } = await shown({
      input: 'a',
      prompt_cache_key: 'k',
      prompt_cache_options: { mode: 'explicit' },
      safety_identifier: 's',
      wizard: 1,
    })
    expect(notes).toBe('wizard: unknown, so it had no effect')
  })

  test('knows nothing of unknown fields within questions, which notes tell as well', async () => {
    const questions = [score, { ...choice, choices: [{ value: 'a' }, { value: 'b', extra: 1 }] }]
    const { notes } = await shown({
      input: 'a',
      questions: [...questions, { ...predicate, instruction: 'x' }],
    })
    expect(notes).toContain('questions[1].choices[1].extra: unknown, so it had no effect')
    expect(notes).toContain('questions[2].instruction: unknown, so it had no effect')
    expect(notes).not.toContain('questions[0]')
    const many = Array.from({ length: 100 }, () => ({ ...score, extra: 1 }))
    const told = await shown({ input: 'a', questions: many })
    expect(told.notes?.match(/unknown/g)?.length).toBeLessThanOrEqual(32)
  })
})

const wrong: [body: object, param: string][] = [
  [{ questions: [] }, 'questions'],
  [{ questions: undefined }, 'questions'],
  [{ questions: Array(401).fill(predicate) }, 'questions'],
  [{ questions: ['Is it?'] }, 'questions[0]'],
  [{ questions: [predicate, { instructions: 'Is it?' }] }, 'questions[1].type'],
  [{ questions: [{ type: 'box', instructions: 'Where?' }] }, 'questions[0].type'],
  [{ questions: [{ type: 'predicate' }] }, 'questions[0].instructions'],
  [{ questions: [{ ...predicate, instructions: ' ' }] }, 'questions[0].instructions'],
  [{ questions: [{ ...predicate, instructions: 7 }] }, 'questions[0].instructions'],
  [
    { questions: [{ ...predicate, instructions: [{ type: 'input_image', image_url: 'x' }] }] },
    'questions[0].instructions[0].type',
  ],
  [{ questions: [{ ...predicate, name: 7 }] }, 'questions[0].name'],
  [{ questions: [{ ...choice, choices: [] }] }, 'questions[0].choices'],
  [{ questions: [{ ...choice, choices: undefined }] }, 'questions[0].choices'],
  [{ questions: [{ ...choice, choices: [{ value: 7 }] }] }, 'questions[0].choices[0].value'],
  [
    { questions: [{ ...choice, choices: [{ description: 'a' }] }] },
    'questions[0].choices[0].value',
  ],
  [
    { questions: [{ ...choice, choices: [{ value: 'a' }, { value: 'a' }] }] },
    'questions[0].choices[1]',
  ],
  [
    {
      questions: [
        { ...choice, choices: Array.from({ length: 256 }, (_, i) => ({ value: `${i}` })) },
      ],
    },
    'questions[0].choices',
  ],
  [{ questions: [{ ...score, levels: [{ label: 1 }] }] }, 'questions[0].levels[0].label'],
  [{ questions: [{ ...score, levels: 'low' }] }, 'questions[0].levels'],
  [{ input: undefined }, 'input'],
  [{ input: [] }, 'input'],
  [{ input: 7 }, 'input'],
  [{ input: [{ role: 'wizard', content: 'a' }] }, 'input[0].role'],
  [{ input: [{ role: 'user', content: [{ type: 'input_json' }] }] }, 'input[0].content[0].data'],
  [
    { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
    'input[0].content[0].type',
  ],
  [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0]'],
  [{ orders: 3 }, 'orders'],
  [{ model: 7 }, 'model'],
]

describe(wireCheck(68), () => {
  test.each(wrong.map(([body, param]) => [param, body] as const))(
    'a request is refused at %s (case %#)',
    async (param, body) => {
      const { url, native } = await serve()
      const response = await postJson(url, path, { input: 'a', questions: [predicate], ...body })
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual(wrongField(param))
      expect(native.submitted).toEqual([])
    },
  )

  test.each([
    ['the input, which leaves no room', 10, 'input', "'input': the state has 147 tokens"],
    ['a question', 800, 'questions[0]', "'questions[0]': this question with its state has 900"],
  ])(
    'a prompt that is too long is told by the engine, by %s',
    async (_, contextTokens, param, told) => {
      const refuse = { code: 'ERR_CONTEXT_LENGTH', message: 'long', promptTokens: 900 } as const
      const script = () => ({ tokens: [], refuse: { ...refuse, contextTokens } })
      const { url, native } = await serve({ script })
      const response = await postJson(url, path, { input: 'a', questions: all })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({
        error: { param, code: 'context_length_exceeded', message: expect.stringContaining(told) },
      })
      expect(native.stats()).toMatchObject({ queued: 0, running: 0 })
    },
  )
})

describe('what only the engine can tell', () => {
  test('is a call in the input where the template writes none', async () => {
    const { url } = await serve({ model: { callFormat: 'none' } })
    const input = [
      { role: 'user', content: 'a' },
      { type: 'function_call', call_id: 'c', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: 'nothing' },
    ]
    const response = await postJson(url, path, { input, questions: all })
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as ErrorBody
    expect(error.param).toMatch(/^input\[1\]/)
    expect(error.message).toMatch(/^'input\[1\]/)
  })

  test('is a vocabulary that has too few labels for the options', async () => {
    const { url } = await serve({ model: { vocabulary: 70 } })
    const choices = Array.from({ length: 27 }, (_, i) => ({ value: `${i}` }))
    const response = await postJson(url, path, {
      input: 'a',
      questions: [predicate, { ...choice, choices }],
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'questions[1].choices' } })
  })

  test('is a queue that is full: a 429, and nothing is left of it', async () => {
    const { url, native } = await serve({ pace: 'manual', engine: { parallel: 1, queue: 0 } })
    const under = postJson(url, '/v1/completions', { model: 'default', prompt: 'a', max_tokens: 1 })
    await expect.poll(() => native.submitted.length).toBe(1)
    const response = await postJson(url, path, { input: 'a', questions: all })
    expect(response.status).toBe(429)
    expect(native.submitted).toHaveLength(1)
    native.step(5)
    expect((await under).status).toBe(200)
  })
})

test('a client that leaves has what it asked for cancelled', async () => {
  const { native, client } = await serve({ pace: 'manual' })
  const one = await client()
  const body = JSON.stringify({ input: 'a', questions: all })
  one.send(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  )
  await expect.poll(() => native.submitted.length).toBeGreaterThan(0)
  one.socket.destroy()
  await expect.poll(() => native.cancelled.length).toBe(native.submitted.length)
})
