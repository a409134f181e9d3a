import assert from 'node:assert/strict'
import {
  answer,
  apiKey,
  baseURL,
  city,
  from,
  question,
  runChecks,
  stop,
  tells,
  thought,
  thrown,
  weather,
} from './checks.mjs'

const { APICallError, generateText, Output, streamText, ...ai } = await from('ai')
const { createOpenAICompatible } = await from('@ai-sdk/openai-compatible')
const { z } = await from('zod')

const settings = { name: 'sluice', baseURL, includeUsage: true, supportsStructuredOutputs: true }
const modelFor = (apiKey) => createOpenAICompatible({ ...settings, apiKey })('default')
const model = modelFor(apiKey)
const form = z.object({ city: z.string(), isSunny: z.boolean(), note: z.string() })
const where = z.object({ city: z.string() })
const output = Output.object({ schema: form })
const asked = { model, prompt: question, stopSequences: [stop], maxRetries: 0 }

/** Options with a tool, and what it was asked. */
function withTool(more = {}) {
  const { asked: cities, ask } = weather()
  const get_weather = ai.tool({
    description: tells,
    inputSchema: where,
    execute: async (it) => ask(it),
  })
  const stopWhen = (ai.stepCountIs ?? ai.isStepCount)(4)
  return { options: { ...asked, tools: { get_weather }, stopWhen, ...more }, cities }
}

await runChecks({
  async 'a tool is called, and the text after it ends at the stop string'() {
    const { options, cities } = withTool()
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
    const { options, cities } = withTool({ output })
    const { output: filled, steps, usage } = await generateText(options)
    assert.deepEqual(cities, [city])
    assert.deepEqual(filled, answer)
    for (const { reasoningText } of steps) assert.equal(reasoningText.trim(), thought)
    assert.ok(usage.outputTokens > 0)
  },

  async 'the same, while it streams'() {
    const { options, cities } = withTool({ output })
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
    const leave = new AbortController()
    const seen = []
    const stream = streamText({
      ...asked,
      abortSignal: leave.signal,
      onAbort: () => seen.push('abort'),
    })
    for await (const _ of stream.fullStream) leave.abort()
    assert.deepEqual(seen, ['abort'])
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
