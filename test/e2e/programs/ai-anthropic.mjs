import assert from 'node:assert/strict'
import { endsAtStop, fillsForm, sdk, withTool } from './ai-sdk.mjs'
import {
  answer,
  apiKey,
  baseURL,
  city,
  from,
  question,
  runChecks,
  stop,
  thought,
  thrown,
} from './checks.mjs'

const { APICallError, generateText, streamText } = sdk
const { createAnthropic } = await from('@ai-sdk/anthropic')

const modelFor = (apiKey) => createAnthropic({ apiKey, baseURL })('default')
const model = modelFor(apiKey)
const providerOptions = { anthropic: { structuredOutputMode: 'outputFormat' } }
const asked = { model, prompt: question, maxRetries: 0, maxOutputTokens: 1000, providerOptions }

await runChecks({
  async 'a tool is called, and the text after it ends at the stop sequence'() {
    await endsAtStop(asked)
  },

  async 'the same while it streams'() {
    const { options, cities } = withTool(asked, { stopSequences: [stop] })
    const result = streamText(options)
    let text = ''
    for await (const delta of result.textStream) text += delta
    assert.deepEqual(cities, [city])
    assert.equal(text, JSON.stringify(answer).split(stop)[0])
    assert.equal((await result.reasoningText).trim(), thought)
  },

  async 'a tool is called, and a form is filled after it'() {
    await fillsForm(asked)
  },

  async 'a refusal is told'() {
    const refused = await thrown(generateText({ ...asked, model: modelFor('wrong') }))
    assert.ok(APICallError.isInstance(refused))
    assert.equal(refused.statusCode, 401)
    assert.match(refused.message, /API key/)
  },
})
