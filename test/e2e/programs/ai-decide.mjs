import assert from 'node:assert/strict'
import { apiKey, baseURL, from, runChecks, thrown } from './checks.mjs'

// The AI SDK's decisions, by OpenAI's provider and by TypeSafe's.

const { APICallError, experimental_decide: decide } = await from('ai')
const { createOpenAI } = await from('@ai-sdk/openai')
const { createTypeSafeAi } = await from('@ai-sdk/typesafe-ai')

const models = {
  openai: createOpenAI({ apiKey, baseURL }).decisionModel('default'),
  typesafe: createTypeSafeAi({ apiKey, baseURL }).evaluationModel('default'),
}
const questions = {
  refund: { type: 'boolean', instructions: 'Do they want money back?' },
  thanks: {
    type: 'boolean',
    instructions: 'Do they say thanks?',
    criteria: { true: { any: 'way' } },
  },
  team: { type: 'choice', criteria: { sales: 'new orders', billing: null } },
  anger: { type: 'score', instructions: 'How angry?', criteria: ['calm', 'annoyed', 'furious'] },
}

const checks = Object.entries(models).flatMap(([name, model]) => [
  [
    `${name}: each kind of question has its answer, of a text and of JSON`,
    async () => {
      for (const state of ['I was charged twice.', { charges: [1, 2] }]) {
        const { answers, usage } = await decide({ model, state, questions, maxRetries: 0 })
        assert.ok(answers.refund.probability > 0.99)
        assert.ok(answers.thanks.probability < 0.01)
        assert.equal(answers.team.choice, 'billing')
        assert.ok(Math.abs(answers.anger.score - 1) < 0.01)
        assert.ok(usage.inputTokens > 0)
      }
    },
  ],
  [
    `${name}: a list of parts is the state`,
    async () => {
      const state = [
        { type: 'text', text: 'The order:' },
        { type: 'json', value: { id: 7 } },
      ]
      const { answers } = await decide({ model, state, questions, maxRetries: 0 })
      assert.equal(answers.team.choice, 'billing')
    },
  ],
  [
    `${name}: what is refused is an APICallError with our words`,
    async () => {
      const names = Array.from({ length: 200 }, (_, i) => [`option ${i}`, null])
      const many = {
        many: { type: 'choice', instructions: 'Which?', criteria: Object.fromEntries(names) },
      }
      const error = await thrown(decide({ model, state: 'a', questions: many, maxRetries: 0 }))
      assert.ok(APICallError.isInstance(error))
      assert.match(error.message, /at most \d+ options/)
    },
  ],
])

await runChecks(Object.fromEntries(checks))
