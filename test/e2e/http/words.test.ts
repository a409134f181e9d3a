import { expect, test } from 'vitest'
import { randomModel } from '../../support/models/random-model.js'
import { CHATML_TEMPLATE } from '../../support/models/tokenizers.js'
import { chat, closeAfterEach, postJson, story } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// Other servers' words on the real engine: what they ask for comes out.

closeAfterEach()

interface Body {
  error?: { param: string | null; message: string }
  choices?: { text?: string; message?: { content: string }; finish_reason: string }[]
  prompt?: string
  usage?: { completion_tokens: number }
}

const bodyOf = async (response: Promise<Response>) => (await (await response).json()) as Body

/** A template that says what it was told. */
const told = "{{ '<' ~ (style | default('none')) ~ (facts | tojson if facts else '') ~ '>' }}"
const telling = told + CHATML_TEMPLATE

test('a choice and an expression are kept to, as bare text', async () => {
  const { url } = await serveReal({ model: randomModel(), context: 512 })
  const choices = ['yes', 'no "way"', 'für 狐']
  for (let seed = 0; seed < 4; seed++) {
    const { choices: [one] = [] } = await bodyOf(
      chat(url, story({ stream: false, seed, guided_choice: choices })),
    )
    expect(choices).toContain(one?.message?.content)
    expect(one?.finish_reason).toBe('stop')
    const body = { prompt: 'Call', seed, max_tokens: 40, guided_regex: '\\d{3}-[a-f]{2,4}' }
    const { choices: [other] = [] } = await bodyOf(postJson(url, '/v1/completions', body))
    expect(other?.text).toMatch(/^\d{3}-[a-f]{2,4}$/)
  }
})

test('arguments of the template are in the prompt, for a chat with tools too', async () => {
  const { url, engine } = await serveReal({
    model: randomModel({ chatTemplate: telling }),
    context: 512,
  })
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  const templateArguments = { style: 'terse', facts: [{ a: 1 }] }
  expect(await engine.applyTemplate(messages, { templateArguments })).toContain('<terse[{"a": 1}]>')
  expect(await engine.applyTemplate(messages)).toContain('<none>')
  const tokens = async (more: object) => {
    const response = await chat(url, story({ messages, stream: false, max_tokens: 1, ...more }))
    return ((await response.json()) as { usage: { prompt_tokens: number } }).usage.prompt_tokens
  }
  const plain = await tokens({})
  expect(await tokens({ chat_template_kwargs: templateArguments })).toBeGreaterThan(plain)
})

test('a token that was named ends the reply, and is no part of it', async () => {
  const { url, engine } = await serveReal({ model: randomModel(), context: 512 })
  const [id = -1] = await engine.tokenize('X')
  const ask = (more: object) => {
    const options = { prompt: 'the fox', max_tokens: 12, ignore_eos: true }
    return bodyOf(
      postJson(url, '/v1/completions', { ...options, logit_bias: { [id]: 100 }, ...more }),
    )
  }
  const [whole] = (await ask({})).choices ?? []
  expect([whole?.text, whole?.finish_reason]).toEqual(['X'.repeat(12), 'length'])
  const { choices: [cut] = [], usage } = await ask({ stop_token_ids: [id + 1, id] })
  expect([cut?.text, cut?.finish_reason, usage?.completion_tokens]).toEqual(['', 'stop', 0])
})

test('a refusal of the engine is told by the request’s own name of the field', async () => {
  const { url } = await serveReal({ model: randomModel(), context: 64, parallel: 2 })
  const long = 'the fox and the owl '.repeat(100)
  const user = (content: string) => [{ role: 'user', content }]
  const refused: [path: string, body: object, param: string | null][] = [
    ['/v1/chat/completions', { messages: user('a'), logit_bias: { 999999: 1 } }, 'logit_bias'],
    ['/v1/chat/completions', { messages: user(long) }, 'messages'],
    ['/v1/chat/completions', { messages: user('a'), n: 3 }, 'n'],
    ['/v1/chat/completions', { messages: user('a'), thinking_budget: 5 }, 'thinking_budget'],
    [
      '/v1/chat/completions',
      { messages: user('a'), thinking_budget_tokens: 5 },
      'thinking_budget_tokens',
    ],
    [
      '/v1/chat/completions',
      { messages: user('a'), guided_grammar: 'root ::= x' },
      'guided_grammar',
    ],
    ['/v1/chat/completions', { messages: user('a'), ebnf: 'root = 1' }, 'ebnf'],
    ['/v1/completions', { prompt: 'a', logit_bias: { 999999: 1 } }, 'logit_bias'],
    ['/v1/completions', { prompt: ['a', long] }, 'prompt[1]'],
    ['/v1/completions', { prompt: long }, 'prompt'],
    ['/v1/completions', { prompt: [1, 999999] }, 'prompt[1]'],
    ['/v1/completions', { prompt: '' }, 'prompt'],
    ['/v1/completions', { prompt: 'a', suffix: 'b' }, 'suffix'],
    [
      '/v1/completions',
      { prompt: 'a', structured_outputs: { grammar: 'x' } },
      'structured_outputs.grammar',
    ],
    ['/detokenize', { tokens: [999999] }, 'tokens[0]'],
    ['/v1/embeddings', { input: 'a' }, 'model'],
  ]
  for (const [path, body, param] of refused) {
    const response = await postJson(url, path, body)
    const { error } = (await response.json()) as Body
    expect([path, body, response.status, error?.param]).toEqual([path, body, 400, param])
  }
})
