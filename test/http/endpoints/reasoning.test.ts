import { expect, test } from 'vitest'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import type { Script } from '../../support/fake-engine.js'
import { chat, closeAfterEach, serve, story } from '../../support/serve.js'
import { chunksOf } from '../../support/sse.js'

// How much a model may think, and how much it did, over the fake.

closeAfterEach()

const reasoningEnds = ['</think>']
const thinking = (): Script => ({
  tokens: [{ reasoning: 'Hm.' }, { reasoning: ' Well.' }, { text: 'Yes.' }],
  reasoningTokens: 2,
})

function conversation({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt === 'object' && 'messages' in prompt) return prompt
  throw new Error('the prompt is no conversation')
}

test('a budget reaches the engine by both of its names, and its message', async () => {
  const { url, native } = await serve({ model: { reasoningEnds } })
  const asked = [
    { reasoning_budget_tokens: 0 },
    { thinking_budget_tokens: 7, reasoning_budget_message: 'So.' },
    { reasoning_budget_tokens: 3, thinking_budget_tokens: 3 },
    { reasoning_budget_tokens: -1 },
    { reasoning_budget_tokens: null, reasoning_budget_message: null },
  ]
  for (const one of asked) await chat(url, story(one))
  const got = native.submitted.map(conversation).map((one) => {
    return [one.reasoningBudget, one.reasoningBudgetMessage]
  })
  expect(got).toEqual([
    [0, ''],
    [7, 'So.'],
    [3, ''],
    [-1, ''],
    [-1, ''],
  ])
})

test('the server’s budget holds where the request names none', async () => {
  const reasoning = { budget: 5, budgetMessage: 'So.' }
  const { url, native } = await serve({ model: { reasoningEnds }, engine: { reasoning } })
  await chat(url, story())
  await chat(url, story({ reasoning_budget_tokens: 9 }))
  expect(native.submitted.map((one) => conversation(one).reasoningBudget)).toEqual([5, 9])
})

test.each([
  [{ reasoning_budget_tokens: -2 }, 'reasoning_budget_tokens'],
  [{ thinking_budget_tokens: 1.5 }, 'thinking_budget_tokens'],
  [{ reasoning_budget_tokens: 1, thinking_budget_tokens: 2 }, 'thinking_budget_tokens'],
  [{ reasoning_budget_message: ['So.'] }, 'reasoning_budget_message'],
  [{ reasoning_budget_message: 'x'.repeat(1025) }, 'reasoning_budget_message'],
  [{ reasoning_budget_message: 'So.</think>' }, 'reasoning_budget_message'],
])('%j is refused at %s', async (body, param) => {
  const { url } = await serve({ model: { reasoningEnds } })
  const response = await chat(url, story(body))
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { param } })
})

test('a budget is refused where no thoughts are known; the server’s has no effect', async () => {
  const { url, native } = await serve({ engine: { reasoning: { budget: 5 } } })
  for (const [param, body] of [
    ['reasoning_budget_tokens', { reasoning_budget_tokens: 5 }],
    ['thinking_budget_tokens', { reasoning_budget_tokens: null, thinking_budget_tokens: 5 }],
    ['reasoning_budget_tokens', { reasoning_budget_tokens: 5, thinking_budget_tokens: 5 }],
  ] as const) {
    const refused = await chat(url, story(body))
    expect(refused.status).toBe(400)
    const message = expect.stringContaining(`'${param}': expected nothing`)
    expect(await refused.json()).toMatchObject({ error: { param, message } })
  }
  expect((await chat(url, story({ reasoning_budget_tokens: -1 }))).status).toBe(200)
  expect((await chat(url, story())).status).toBe(200)
  expect(native.submitted.map((one) => conversation(one).reasoningBudget)).toEqual([-1, -1])
})

test('the usage tells what was thought, streamed and not, of all choices', async () => {
  const { url } = await serve({ model: { reasoningEnds }, script: thinking })
  const usage = { completion_tokens: 6, completion_tokens_details: { reasoning_tokens: 4 } }
  const body = await (await chat(url, story({ stream: false, n: 2 }))).json()
  expect(body).toMatchObject({ usage })
  const streamed = story({ n: 2, stream_options: { include_usage: true } })
  const chunks = chunksOf(await (await chat(url, streamed)).text())
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage })
})

test('the usage tells nothing of thoughts where they are not told apart', async () => {
  const { url } = await serve()
  const { usage } = (await (await chat(url, story({ stream: false }))).json()) as { usage: object }
  expect(usage).not.toHaveProperty('completion_tokens_details')
})
