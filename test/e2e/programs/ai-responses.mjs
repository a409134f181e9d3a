import assert from 'node:assert/strict'
import { fillsForm, leaves, output, refusesTopP, sdk, streamsForm, withTool } from './ai-sdk.mjs'
import { answer, apiKey, baseURL, from, question, runChecks, thought } from './checks.mjs'

// The AI SDK with OpenAI's own provider as it is by default, which asks for responses.

const { generateText, streamText } = sdk
const { createOpenAI } = await from('@ai-sdk/openai')

const model = createOpenAI({ baseURL, apiKey })('default')
const asked = { model, prompt: question, maxRetries: 0 }
const stateless = { openai: { store: false } }
const summed = { openai: { store: false, reasoningSummary: 'auto', forceReasoning: true } }

await runChecks({
  async 'a tool is called and a form is filled, with what the server keeps'() {
    const steps = await fillsForm(asked)
    assert.deepEqual(
      steps.map(({ finishReason }) => finishReason),
      ['tool-calls', 'stop'],
    )
  },

  async 'the same with nothing kept, while it streams'() {
    await streamsForm({ ...asked, providerOptions: stateless })
  },

  async 'reasoning is shown where a summary is asked for, and comes back'() {
    const { options } = withTool(asked, { output, providerOptions: summed })
    const result = streamText(options)
    let shown = ''
    for await (const { type, text = '' } of result.fullStream) {
      if (type === 'reasoning-delta') shown += text
      assert.notEqual(type, 'error')
    }
    assert.equal(shown.replaceAll('\n', ''), thought + thought)
    assert.deepEqual(await result.output, answer)
  },

  async 'a cut reply says so'() {
    const { finishReason } = await generateText({ ...asked, maxOutputTokens: 4 })
    assert.equal(finishReason, 'length')
  },

  async 'who leaves is heard of'() {
    await leaves(asked)
  },

  async 'refusals have status, words and field'() {
    const wrong = await refusesTopP(asked, /'top_p'/)
    assert.equal(wrong.data.error.param, 'top_p')
  },
})
