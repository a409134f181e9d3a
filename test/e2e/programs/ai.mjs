import assert from 'node:assert/strict'
import {
  endsAtStop,
  fillsForm,
  leaves,
  refusesTopP,
  sdk,
  streamsForm,
  thinksTwice,
  triesAgain,
} from './ai-sdk.mjs'
import { apiKey, baseURL, from, question, runChecks, stop, thought, thrown } from './checks.mjs'

const { createOpenAICompatible } = await from('@ai-sdk/openai-compatible')

const settings = { name: 'sluice', baseURL, includeUsage: true, supportsStructuredOutputs: true }
const modelFor = (apiKey) => createOpenAICompatible({ ...settings, apiKey })('default')
const model = modelFor(apiKey)
const asked = { model, prompt: question, stopSequences: [stop], maxRetries: 0 }

await runChecks({
  async 'a tool is called, and the text after it ends at the stop string'() {
    await endsAtStop(asked)
  },

  async 'a tool is called, and a form is filled after it'() {
    for (const { reasoningText } of await fillsForm(asked)) {
      assert.equal(reasoningText.trim(), thought)
    }
  },

  async 'the same, while it streams'() {
    thinksTwice(await streamsForm(asked))
  },

  async 'who leaves is heard of'() {
    await leaves(asked)
  },

  async 'refusals have status, words and whether to try again'() {
    const wrong = await refusesTopP(asked, /'top_p'/)
    assert.equal(wrong.data.error.param, 'top_p')
    const refused = await thrown(sdk.generateText({ ...asked, model: modelFor('wrong') }))
    assert.equal(refused.statusCode, 401)
  },

  async 'a queue that is full is tried again'() {
    const providerOptions = { sluice: { ignore_eos: true } }
    await triesAgain(asked, { ...asked, maxOutputTokens: 20_000, providerOptions })
  },
})
