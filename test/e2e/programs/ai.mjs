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
  stop,
  thought,
  thrown,
} from './checks.mjs'

const { APICallError, generateText, streamText } = sdk
const { createOpenAICompatible } = await from('@ai-sdk/openai-compatible')

const settings = { name: 'sluice', baseURL, includeUsage: true, supportsStructuredOutputs: true }
const modelFor = (apiKey) => createOpenAICompatible({ ...settings, apiKey })('default')
const model = modelFor(apiKey)
const asked = { model, prompt: question, stopSequences: [stop], maxRetries: 0 }

await runChecks({
  async 'a tool is called, and the text after it ends at the stop string'() {
    const { options, cities } = withTool(asked)
    const { text, steps } = await generateText(options)
    assert.deepEqual(cities, [city])
    assert.equal(text, JSON.stringify(answer).split(stop)[0])
    assert.deepEqual(
      steps.map(({ finishReason }) => finishReason),
      ['tool-calls', 'stop'],
    )
    for (const { reasoningText } of steps) assert.equal(reasoningText.trim(), thought)
  },

  async 'a tool is called, and a form is filled after it'() {
    const { options, cities } = withTool(asked, { output })
    const { output: filled, steps, usage } = await generateText(options)
    assert.deepEqual(cities, [city])
    assert.deepEqual(filled, answer)
    for (const { reasoningText } of steps) assert.equal(reasoningText.trim(), thought)
    assert.ok(usage.outputTokens > 0)
  },

  async 'the same, while it streams'() {
    const { options, cities } = withTool(asked, { output })
    const result = streamText(options)
    const parts = {}
    for await (const { type, text = '' } of result.fullStream)
      parts[type] = (parts[type] ?? '') + text
    assert.deepEqual(cities, [city])
    assert.deepEqual(await result.output, answer)
    assert.deepEqual(JSON.parse(parts['text-delta']), answer)
    assert.equal(parts['reasoning-delta'].replaceAll('\n', ''), thought + thought)
    assert.ok('tool-call' in parts && 'tool-result' in parts && !('error' in parts))
  },

  async 'who leaves is heard of'() {
    await leaves(asked)
  },

  async 'refusals have status, words and whether to try again'() {
    const wrong = await thrown(generateText({ ...asked, topP: 2 }))
    assert.ok(APICallError.isInstance(wrong))
    assert.equal(wrong.statusCode, 400)
    assert.equal(wrong.isRetryable, false)
    assert.match(wrong.message, /'top_p'/)
    assert.equal(wrong.data.error.param, 'top_p')
    const refused = await thrown(generateText({ ...asked, model: modelFor('wrong') }))
    assert.equal(refused.statusCode, 401)
    const streamed = []
    const stream = streamText({
      ...asked,
      topP: 2,
      onError: ({ error }) => streamed.push(error),
    })
    for await (const _ of stream.fullStream);
    assert.equal(streamed[0].statusCode, 400)
  },

  async 'a queue that is full is tried again'() {
    const leave = new AbortController()
    const fills = [1, 2].map(() =>
      streamText({
        ...asked,
        maxOutputTokens: 20_000,
        abortSignal: leave.signal,
        onError: () => undefined,
        providerOptions: { sluice: { ignore_eos: true } },
      }),
    )
    for (const { fullStream } of fills) await fullStream[Symbol.asyncIterator]().next()
    const full = await thrown(generateText(asked))
    assert.equal(full.statusCode, 429)
    assert.equal(full.isRetryable, true)
    const served = generateText({ ...asked, maxRetries: 4 })
    setTimeout(() => leave.abort(), 100)
    assert.equal((await served).finishReason, 'stop')
  },
})
