import assert from 'node:assert/strict'
import {
  answer,
  apiKey,
  baseURL,
  city,
  from,
  question,
  runChecks,
  tells,
  thought,
  thrown,
  weather,
} from './checks.mjs'

// The AI SDK with OpenAI's own provider as it is by default, which asks for responses.

const { generateText, Output, streamText, ...ai } = await from('ai')
const { createOpenAI } = await from('@ai-sdk/openai')
const { z } = await from('zod')

const model = createOpenAI({ baseURL, apiKey })('default')
const form = z.object({ city: z.string(), isSunny: z.boolean(), note: z.string() })
const where = z.object({ city: z.string() })
const output = Output.object({ schema: form })
const asked = { model, prompt: question, maxRetries: 0 }
const stateless = { openai: { store: false } }
const summed = { openai: { store: false, reasoningSummary: 'auto', forceReasoning: true } }

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
  async 'a tool is called and a form is filled, with what the server keeps'() {
    const { options, cities } = withTool({ output })
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
    const { options, cities } = withTool({ output, providerOptions: stateless })
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
    const { options } = withTool({ output, providerOptions: summed })
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

  async 'refusals have status, words and field'() {
    const wrong = await thrown(generateText({ ...asked, topP: 2 }))
    assert.equal(wrong.statusCode, 400)
    assert.match(wrong.message, /'top_p'/)
    assert.equal(wrong.data.error.param, 'top_p')
  },
})
