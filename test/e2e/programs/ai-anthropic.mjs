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
const { createAnthropic } = await from('@ai-sdk/anthropic')
const { z } = await from('zod')

const modelFor = (apiKey) => createAnthropic({ apiKey, baseURL })('default')
const model = modelFor(apiKey)
const form = z.object({ city: z.string(), isSunny: z.boolean(), note: z.string() })
const where = z.object({ city: z.string() })
const providerOptions = { anthropic: { structuredOutputMode: 'outputFormat' } }
const output = Output.object({ schema: form })
const asked = { model, prompt: question, maxRetries: 0, maxOutputTokens: 1000, providerOptions }

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
  async 'a tool is called, and the text after it ends at the stop sequence'() {
    const { options, cities } = withTool({ stopSequences: [stop] })
    const { text, steps, usage } = await generateText(options)
    assert.deepEqual(cities, [city])
    assert.equal(text, JSON.stringify(answer).split(stop)[0])
    assert.deepEqual(
      steps.map(({ finishReason }) => finishReason),
      ['tool-calls', 'stop'],
    )
    for (const { reasoningText } of steps) assert.equal(reasoningText.trim(), thought)
    assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0)
  },

  async 'the same while it streams'() {
    const { options, cities } = withTool({ stopSequences: [stop] })
    const result = streamText(options)
    let text = ''
    for await (const delta of result.textStream) text += delta
    assert.deepEqual(cities, [city])
    assert.equal(text, JSON.stringify(answer).split(stop)[0])
    assert.equal((await result.reasoningText).trim(), thought)
  },

  async 'a tool is called, and a form is filled after it'() {
    const { options, cities } = withTool({ output })
    assert.deepEqual((await generateText(options)).output, answer)
    assert.deepEqual(cities, [city])
  },

  async 'a refusal is told'() {
    const refused = await thrown(generateText({ ...asked, model: modelFor('wrong') }))
    assert.ok(APICallError.isInstance(refused))
    assert.equal(refused.statusCode, 401)
    assert.match(refused.message, /API key/)
  },
})
