// What the programs that use the AI SDK's decisions share, whichever provider they ask. Their model
// is that of serveDecider in test/support/client-server.ts.
import assert from 'node:assert/strict'
import { from, thrown } from './checks.mjs'

export const sdk = await from('ai')
const { APICallError, experimental_decide: decide } = sdk

export const questions = {
  refund: { type: 'boolean', instructions: 'Do they want money back?' },
  thanks: {
    type: 'boolean',
    instructions: 'Do they say thanks?',
    criteria: { true: { any: 'way' } },
  },
  team: { type: 'choice', criteria: { sales: 'new orders', billing: null } },
  anger: { type: 'score', instructions: 'How angry?', criteria: ['calm', 'annoyed', 'furious'] },
}

/** What each model of decisions has to do. */
export function decisionChecks(name, model) {
  return {
    async [`${name}: each kind of question has its answer, of a text and of JSON`]() {
      for (const state of ['I was charged twice.', { charges: [1, 2] }]) {
        const { answers, usage } = await decide({ model, state, questions, maxRetries: 0 })
        assert.ok(answers.refund.probability > 0.99)
        assert.ok(answers.thanks.probability < 0.01)
        assert.equal(answers.team.choice, 'billing')
        assert.ok(Math.abs(answers.anger.score - 1) < 0.01)
        assert.ok(usage.inputTokens > 0)
      }
    },

    async [`${name}: a list of parts is the state`]() {
      const state = [
        { type: 'text', text: 'The order:' },
        { type: 'json', value: { id: 7 } },
      ]
      const { answers } = await decide({ model, state, questions, maxRetries: 0 })
      assert.equal(answers.team.choice, 'billing')
    },

    async [`${name}: what is refused is an APICallError with our words`]() {
      const names = Array.from({ length: 200 }, (_, i) => [`option ${i}`, null])
      const many = {
        many: { type: 'choice', instructions: 'Which?', criteria: Object.fromEntries(names) },
      }
      const error = await thrown(decide({ model, state: 'a', questions: many, maxRetries: 0 }))
      assert.ok(APICallError.isInstance(error))
      assert.match(error.message, /at most \d+ options/)
    },
  }
}
