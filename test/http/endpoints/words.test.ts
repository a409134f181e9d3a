import { describe, expect, test } from 'vitest'
import { notHere, otherNames, withoutEffect } from '../../../src/apis/openai/compatibility.js'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { chat, closeAfterEach, postJson, serve, story } from '../../support/serve.js'

// What requests say in the words of other servers: done as asked, refused by its own name, or
// without effect, and then said so where nobody knows it.

closeAfterEach()

const path = '/v1/completions'
const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] }

interface Answer {
  status: number
  param: string | null | undefined
  message: string
  notes: string | null
}

async function answerOf(response: Response): Promise<Answer> {
  const body = (await response.json()) as { error?: { param: string | null; message: string } }
  return {
    status: response.status,
    param: body.error?.param,
    message: body.error?.message ?? '',
    notes: response.headers.get('x-sluice-notes'),
  }
}

async function asked(more: object): Promise<{ answer: Answer; request: NativeRequest }> {
  const { url, native } = await serve({ model: { reasoningEnds: ['</think>'] } })
  const answer = await answerOf(await chat(url, story({ stream: false, ...more })))
  return { answer, request: native.submitted[0] as NativeRequest }
}

const chatOf = ({ prompt }: NativeRequest) => prompt as NativeChat

describe('a form of the reply', () => {
  const same: [what: string, more: object][] = [
    ['a schema beside the type', { response_format: { type: 'json_schema', schema } }],
    ['without a name', { response_format: { type: 'json_schema', json_schema: { schema } } }],
    [
      'with a name of any words',
      { response_format: { type: 'json_schema', json_schema: { name: 'my form, v1.2', schema } } },
    ],
    ['in the place of its name', { response_format: { type: 'json_schema', json_schema: schema } }],
    ['as json_object', { response_format: { type: 'json_object', schema } }],
    ['as TGI says it', { response_format: { type: 'json', value: schema } }],
    ['without a type', { response_format: { json_schema: { schema } } }],
    ['in a field beside it', { response_format: { type: 'json_schema' }, json_schema: schema }],
    ['llama-server', { json_schema: schema }],
    ['guided_json', { guided_json: schema }],
    ['guided_json as text', { guided_json: JSON.stringify(schema) }],
    ['structured_outputs', { structured_outputs: { json: schema, disable_any_whitespace: true } }],
    ['format', { format: schema }],
    ['extra_body', { extra_body: { guided_json: schema } }],
    ['in two words', { guided_json: schema, response_format: { type: 'json_object', schema } }],
  ]

  test.each(same)('by a schema, as %s, is the same grammar', async (_, more) => {
    const expected = (await asked({ json_schema: schema })).request.grammar
    const { answer, request } = await asked(more)
    expect(answer.status).toBe(200)
    expect(expected).toContain('age')
    expect(request.grammar).toBe(expected)
  })

  test.each([
    ['response_format', 'json_object'],
    ['response_format', { type: 'json' }],
    ['format', 'json'],
    ['structured_outputs', { json_object: true }],
  ])('that is any JSON object, as %s: %j', async (field, value) => {
    const expected = (await asked({ response_format: { type: 'json_object' } })).request.grammar
    expect((await asked({ [field]: value })).request.grammar).toBe(expected)
  })

  test.each([
    { guided_choice: ['yes', 'no "way"'] },
    { structured_outputs: { choice: ['yes', 'no "way"'] } },
  ])('that is one of some texts, bare, is a grammar: %j', async (more) => {
    const { request } = await asked(more)
    expect(request.grammar).toContain('"yes"')
    expect(request.grammar).toContain('no \\"way\\"')
  })

  test.each([
    { guided_regex: '[a-c]{2}' },
    { regex: '^[a-c]{2}$' },
    { structured_outputs: { regex: '[a-c]{2}' } },
    { response_format: { type: 'regex', pattern: '[a-c]{2}' } },
  ])('by an expression is a grammar: %j', async (more) => {
    const { request } = await asked(more)
    expect(request.grammar).toContain('[\\U00000061-\\U00000063]')
    expect(request.grammar).toContain('{2}')
  })

  test.each([
    { guided_grammar: 'root ::= "a"' },
    { ebnf: 'root ::= "a"' },
    { structured_outputs: { grammar: 'root ::= "a"' } },
    { response_format: { type: 'grammar', grammar: 'root ::= "a"' } },
  ])('by a grammar is that grammar: %j', async (more) => {
    expect((await asked(more)).request.grammar).toBe('root ::= "a"')
  })

  const wrong: [more: object, param: string][] = [
    [{ guided_json: 'no json' }, 'guided_json'],
    [{ guided_json: { type: 'strange' } }, 'guided_json.type'],
    [{ guided_json: schema, guided_regex: 'a' }, 'guided_regex'],
    [{ guided_json: schema, grammar: 'root ::= "a"' }, 'guided_json'],
    [{ guided_regex: '(?=a)b' }, 'guided_regex'],
    [{ guided_regex: 7 }, 'guided_regex'],
    [{ guided_choice: 'yes' }, 'guided_choice'],
    [{ guided_choice: ['yes', 7] }, 'guided_choice[1]'],
    [{ guided_grammar: {} }, 'guided_grammar'],
    [{ structured_outputs: [] }, 'structured_outputs'],
    [{ structured_outputs: { structural_tag: 'x' } }, 'structured_outputs.structural_tag'],
    [{ structured_outputs: { json: 7 } }, 'structured_outputs.json'],
    [{ structured_outputs: { json: { type: 'x' } } }, 'structured_outputs.json.type'],
    [{ structured_outputs: { choice: [''] } }, 'structured_outputs.choice[0]'],
    [{ format: 'xml' }, 'format'],
    [{ format: { type: 'x' } }, 'format.type'],
    [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
    [
      { response_format: { type: 'json_schema', schema: { type: 'x' } } },
      'response_format.schema.type',
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { type: 'x' } } },
      'response_format.json_schema.type',
    ],
  ]

  test.each(wrong)('%j is refused at %s', async (more, param) => {
    const { answer, request } = await asked(more)
    expect(answer).toMatchObject({ status: 400, param })
    expect(request).toBeUndefined()
  })
})

describe('another name of a field', () => {
  test.each([
    [{ n_predict: 7 }, { maxTokens: 7 }],
    [{ n_predict: -1 }, { maxTokens: -1 }],
    [{ max_new_tokens: 7 }, { maxTokens: 7 }],
    [{ repetition_penalty: 1.5 }, { repeatPenalty: 1.5 }],
    [
      { options: { num_predict: 9, temperature: 0.25, stop: ['x'], num_ctx: 64 } },
      { maxTokens: 9 },
    ],
    [{ options: { temperature: 0.25 }, temperature: 0.5 }, { temperature: 0.5 }],
    [{ extra_body: { top_k: 5, min_p: 0.5 } }, { topK: 5, minP: 0.5 }],
    [{ logprobs: 3 }, { logprobs: 3 }],
    [{ logit_bias: [[5, -100]] }, { logitBias: [5, -100] }],
    [{ top_k: -1 }, { topK: -1 }],
    [{ max_tokens: -1 }, { maxTokens: -1 }],
    [{ max_tokens: null }, { maxTokens: -1 }],
    [{ stop_token_ids: [3, 4] }, { stopTokens: [3, 4] }],
    [{ max_tokens: 5, n_predict: 5 }, { maxTokens: 5 }],
  ])('%j is read as %j', async (more, expected) => {
    const { answer, request } = await asked(more)
    expect(answer).toMatchObject({ status: 200, notes: null })
    expect(request).toMatchObject(expected)
  })

  test('for the seed may be -1, which draws another each time', async () => {
    const seeds = await Promise.all(
      [1, 2, 3].map(async () => (await asked({ seed: -1 })).request.seed),
    )
    expect(new Set(seeds).size).toBe(3)
  })

  test('may ask for as many tokens as there is room for: the server’s limit', async () => {
    const { url, native } = await serve({ server: { maxTokens: 9 } })
    await chat(url, story({ max_tokens: -1 }))
    await postJson(url, path, { prompt: 'a', max_tokens: -1 })
    await postJson(url, path, { prompt: 'a' })
    expect(native.submitted.map(({ maxTokens }) => maxTokens)).toEqual([9, 9, 16])
  })

  test.each([
    [{ n_predict: 'x' }, 'n_predict'],
    [{ options: { num_predict: -5 } }, 'options.num_predict'],
    [{ options: { temperature: 'hot' } }, 'options.temperature'],
    [{ extra_body: { top_p: 7 } }, 'extra_body.top_p'],
    [{ extra_body: { guided_json: { type: 'x' } } }, 'extra_body.guided_json.type'],
    [{ repetition_penalty: 0 }, 'repetition_penalty'],
    [{ max_tokens: 5, n_predict: 6 }, 'n_predict'],
    [{ logprobs: 30 }, 'logprobs'],
    [{ enable_thinking: 'yes' }, 'enable_thinking'],
    [{ thinking_budget: -7 }, 'thinking_budget'],
    [{ thinking: { type: 'enabled', budget_tokens: 'x' } }, 'thinking.budget_tokens'],
    [{ reasoning: { effort: 7 } }, 'reasoning.effort'],
    [{ reasoning: { exclude: true } }, 'reasoning.exclude'],
  ])('%j is refused at %s', async (more, param) => {
    const { answer } = await asked(more)
    expect(answer).toMatchObject({ status: 400, param })
    expect(answer.message).toContain(`'${param}': expected`)
  })

  test('is in the table of all of them', () => {
    expect(Object.keys(otherNames)).toContain('num_predict')
  })
})

describe('thinking', () => {
  test.each([
    [{ enable_thinking: false }, { wantsReasoning: false }],
    [{ think: false }, { wantsReasoning: false }],
    [{ think: 'low' }, { wantsReasoning: true, reasoningEffort: 'low' }],
    [{ thinking: { type: 'disabled' } }, { wantsReasoning: false }],
    [
      { thinking: { type: 'enabled', budget_tokens: 9 } },
      { wantsReasoning: true, reasoningBudget: 9 },
    ],
    [{ thinking_budget: 9 }, { reasoningBudget: 9 }],
    [
      { reasoning: { effort: 'high', max_tokens: 9 } },
      { reasoningEffort: 'high', reasoningBudget: 9 },
    ],
    [{ reasoning: { enabled: false } }, { wantsReasoning: false }],
    [{ chat_template_kwargs: { enable_thinking: false, thinking: 1 } }, { wantsReasoning: false }],
    [{ verbosity: 'low' }, { arguments: [{ name: 'verbosity', value: '"low"' }] }],
    [
      { documents: [{ text: 'a' }] },
      { arguments: [{ name: 'documents', value: '[{"text":"a"}]' }] },
    ],
  ])('%j reaches the template as %j', async (more, expected) => {
    const { answer, request } = await asked(more)
    expect(answer.status).toBe(200)
    expect(chatOf(request)).toMatchObject(expected)
  })
})

describe('arguments of the template', () => {
  test('of any kind reach it as JSON', async () => {
    const given = { a: 1, b: 'x', c: null, d: [true], e: { f: 0.5 }, _g: false }
    const { request } = await asked({ chat_template_kwargs: { ...given, enable_thinking: true } })
    const told = chatOf(request).arguments.map(({ name, value }) => [name, JSON.parse(value)])
    expect(Object.fromEntries(told)).toEqual(given)
  })

  test.each([
    ...['messages', 'tools', 'bos_token', 'eos_token', 'add_generation_prompt', 'raise_exception'],
    ...['__class__', 'a b', 'a.b', '1a', 'x'.repeat(65)],
  ])('are refused by a name like %s', async (name) => {
    const { answer } = await asked({ chat_template_kwargs: { [name]: 1 } })
    expect(answer.status).toBe(400)
    expect(answer.param?.startsWith('chat_template_kwargs.')).toBe(true)
    expect(answer.param).toContain(name.slice(0, 40))
  })

  test.each([
    [{ a: 'x'.repeat(70_000) }, 'chat_template_kwargs.a'],
    [
      Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`a${i}`, i])),
      'chat_template_kwargs',
    ],
    [{ fooBar: 'x'.repeat(40_000), b: 'x'.repeat(40_000) }, 'chat_template_kwargs'],
  ])('are refused where they are too much (%#)', async (chat_template_kwargs, param) => {
    expect((await asked({ chat_template_kwargs })).answer).toMatchObject({ status: 400, param })
  })
})

describe('a field that is not there', () => {
  test.each(Object.keys(notHere))(
    'as %s is refused by its name, unless it asks for nothing',
    async (field) => {
      const { url, native } = await serve()
      const wrong = { not: 'this' }
      for (const ask of [
        () => chat(url, story({ stream: false, [field]: wrong })),
        () => postJson(url, path, { prompt: 'a', [field]: wrong }),
      ]) {
        expect(await answerOf(await ask())).toMatchObject({ status: 400, param: field })
      }
      expect(native.submitted).toEqual([])
      const passing = [null, 0, 1, -1, true, false, '', [], 'auto'].filter((value) => {
        return value === null || notHere[field]?.passes(value)
      })
      for (const value of passing) {
        const response = await chat(url, story({ stream: false, [field]: value }))
        expect([value, await answerOf(response)]).toMatchObject([
          value,
          { status: 200, notes: null },
        ])
      }
    },
  )

  test('that only tunes is without effect, and one that is unknown is noted', async () => {
    const tuned = Object.fromEntries(withoutEffect.map((name) => [name, 3]))
    const { answer } = await asked({ ...tuned, user: 'me', store: true, metadata: {} })
    expect(answer).toMatchObject({ status: 200, notes: null })
    const unknown = await asked({ frobnicate: 1, 'x\r\ny': 2, zip: null })
    expect(unknown.answer).toMatchObject({
      status: 200,
      notes: 'frobnicate: unknown, so it had no effect | zip: unknown, so it had no effect',
    })
  })
})

test('a request that says two different things of one is refused at the second field', async () => {
  const { answer } = await asked({ think: true, chat_template_kwargs: { enable_thinking: false } })
  expect([answer.status, answer.param]).toEqual([400, 'think'])
  const same = await asked({ think: true, chat_template_kwargs: { enable_thinking: true } })
  expect(same.answer.status).toBe(200)
  const unknown = await asked({ reasoning: 'none' })
  expect(unknown.answer.notes).toContain('reasoning')
})
