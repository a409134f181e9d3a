import assert from 'node:assert/strict'
import { leaves, output, sdk, withTool } from './ai-sdk.mjs'
import {
  answer,
  apiKey,
  baseURL,
  city,
  from,
  question,
  runChecks,
  thought,
  thrown,
} from './checks.mjs'

// The AI SDK with OpenAI's own provider as it is by default, which asks for responses.

const { generateText, streamText } = sdk
const { createOpenAI } = await from('@ai-sdk/openai')

const model = createOpenAI({ baseURL, apiKey })('default')
const asked = { model, prompt: question, maxRetries: 0 }
const stateless = { openai: { store: false } }
const summed = { openai: { store: false, reasoningSummary: 'auto', forceReasoning: true } }

await runChecks({
  async 'a tool is called and a form is filled, with what the server keeps'() {
    const { options, cities } = withTool(asked, { output })
    const { output: filled, steps, usage } = await generateText(options)
    assert.deepEqual(cities, [city])
    assert.deepEqual(filled, answer)
    assert.deepEqual(
      steps.map(({ finishReason }) => finishReason),
      ['tool-calls', 'stop'],
    )
    assert.ok(usage.outputTokens > 0)
  },

  async 'the same with nothing kept, while it streams'() {
    const { options, cities } = withTool(asked, { output, providerOptions: stateless })
    const result = streamText(options)
    const parts = {}
    for await (const { type, text = '' } of result.fullStream) {
      parts[type] = (parts[type] ?? '') + text
    }
    assert.deepEqual(cities, [city])
    assert.deepEqual(await result.output, answer)
    assert.deepEqual(JSON.parse(parts['text-delta']), answer)
    assert.ok('tool-call' in parts && 'tool-result' in parts && !('error' in parts))
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
    const wrong = await thrown(generateText({ ...asked, topP: 2 }))
    assert.equal(wrong.statusCode, 400)
    assert.match(wrong.message, /'top_p'/)
    assert.equal(wrong.data.error.param, 'top_p')
  },
})
