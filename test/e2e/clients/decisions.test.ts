import OpenAI, { BadRequestError } from 'openai-7'
import { expect, test } from 'vitest'
import { serveDecider } from '../../support/client-server.js'
import { closeAfterEach } from '../../support/serve.js'

// Release 7 of the official client, unchanged, on the real engine. It asks for Node 22 and does
// what is done here on Node 20 as well; test/long/clients.test.ts runs it on the Node it asks for.

closeAfterEach()

async function connected() {
  const { url, engine } = await serveDecider()
  const settings = { apiKey: 'your-api-key', baseURL: `${url}/v1`, maxRetries: 0 }
  return { client: new OpenAI(settings), engine }
}

test('the client has a right answer to each kind of question', async () => {
  const { client } = await connected()
  const { answers, usage } = await client.decisions.create({
    model: 'default',
    input: [
      { role: 'developer', content: 'Be strict.' },
      { role: 'user', content: [{ type: 'input_json', data: { charges: 2 } }] },
    ],
    questions: [
      { type: 'predicate', name: 'refund', instructions: 'Do they want money back?' },
      { type: 'predicate', instructions: 'Do they say thanks?' },
      {
        type: 'choice',
        name: 'team',
        instructions: 'Which team?',
        choices: [{ value: 'sales' }, { value: 'billing' }],
      },
      {
        type: 'score',
        name: 'anger',
        instructions: 'How angry?',
        levels: [{ label: 'calm' }, { label: 'annoyed' }, { label: 'furious' }],
      },
    ],
  })
  expect(answers).toMatchObject([
    { type: 'predicate', name: 'refund', probability: expect.closeTo(1) },
    { type: 'predicate', name: null, probability: expect.closeTo(0) },
    { type: 'choice', name: 'team', choice: 'billing', confidence: expect.closeTo(1) },
    { type: 'score', name: 'anger', score: expect.closeTo(1), confidence: expect.closeTo(1) },
  ])
  expect(usage.total_tokens).toBe(usage.input_tokens)
  expect(usage.input_tokens).toBeGreaterThan(0)
})

test('the client’s own error names the question at fault', async () => {
  const { client } = await connected()
  const choices = Array.from({ length: 200 }, (_, i) => ({ value: `option ${i}` }))
  const questions = [{ type: 'choice' as const, instructions: 'Which?', choices }]
  const asked = client.decisions.create({ model: 'default', input: 'a', questions })
  await expect(asked).rejects.toThrow(BadRequestError)
  // Its vocabulary has little more than single letters.
  await expect(asked).rejects.toMatchObject({
    param: 'questions[0].choices',
    message: expect.stringMatching(/at most \d\d options/),
  })
})

test('a client that leaves ends what it asked for', async () => {
  const { client, engine } = await connected()
  const leaving = new AbortController()
  const questions = Array.from({ length: 400 }, (_, i) => ({
    type: 'predicate' as const,
    instructions: `Is it ${i}?`,
  }))
  const body = { model: 'default', input: 'a '.repeat(3000), questions }
  const asked = client.decisions.create(body, { signal: leaving.signal })
  await expect.poll(() => engine.stats().running).toBeGreaterThan(0)
  leaving.abort()
  await expect(asked).rejects.toThrow('aborted')
  await expect.poll(() => engine.stats().running + engine.stats().queued).toBe(0)
  expect(engine.stats().started).toBeLessThan(400)
})
