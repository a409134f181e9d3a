import assert from 'node:assert/strict'
import { apiKey, baseURL, from, runChecks, thrown } from './checks.mjs'

// OpenAI's client asks for decisions of the server in test/support/client-server.ts.

const { default: OpenAI, AuthenticationError, BadRequestError } = await from('openai')

const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 })
const refund = { type: 'predicate', name: 'refund', instructions: 'Do they want money back?' }

await runChecks({
  async 'each kind of question has its answer'() {
    const { answers } = await client.decisions.create({
      model: 'default',
      input: 'I was charged twice.',
      questions: [
        refund,
        {
          type: 'choice',
          instructions: 'Team?',
          choices: [{ value: 'sales' }, { value: 'billing' }],
        },
        {
          type: 'score',
          instructions: 'Anger?',
          levels: [{ label: 'calm' }, { label: 'annoyed' }],
        },
      ],
    })
    const [first, second, third] = answers
    assert.ok(first.probability > 0.99)
    assert.equal(second.choice, 'billing')
    assert.ok(third.score > 0.99)
    assert.deepEqual(
      answers.map(({ name }) => name),
      ['refund', null, null],
    )
  },

  async 'what is refused is an error of its own class'() {
    const body = { model: 'default', input: 'a', questions: [{ ...refund, instructions: '' }] }
    const error = await thrown(client.decisions.create(body))
    assert.ok(error instanceof BadRequestError)
    assert.equal(error.param, 'questions[0].instructions')
    const stranger = new OpenAI({ apiKey: 'x', baseURL, maxRetries: 0 })
    const refused = await thrown(stranger.decisions.create({ ...body, questions: [refund] }))
    assert.ok(refused instanceof AuthenticationError)
  },
})
