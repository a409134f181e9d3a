import assert from 'node:assert/strict'
import { sdk, withTool } from './ai-sdk.mjs'
import { apiKey, baseURL, from, question, runChecks, thrown } from './checks.mjs'

// The AI SDK with OpenAI's own provider and a server that keeps no responses.

const { createOpenAI } = await from('@ai-sdk/openai')

const model = createOpenAI({ baseURL, apiKey })('default')
const stateless = { openai: { store: false } }

/** A step that calls a tool, and one after it, unless that is refused. */
function twoSteps(asked) {
  return sdk.generateText(withTool({ model, maxRetries: 0, ...asked }).options)
}

await runChecks({
  async 'by default a second step is refused, in words that say what to do'() {
    const refused = await thrown(twoSteps({ prompt: question }))
    assert.equal(refused.statusCode, 400)
    assert.equal(refused.data.error.code, 'item_not_found')
    assert.match(refused.message, /`store: false`/)
  },

  async 'with `store: false` it goes on, and so does the next turn'() {
    const { steps, response } = await twoSteps({ prompt: question, providerOptions: stateless })
    assert.equal(steps.length, 2)
    const messages = [
      { role: 'user', content: question },
      ...response.messages,
      { role: 'user', content: question },
    ]
    const next = await twoSteps({ providerOptions: stateless, messages })
    assert.ok(next.text.length > 0)
    const refused = await thrown(twoSteps({ messages }))
    assert.equal(refused.data.error.code, 'item_not_found')
  },
})
