// The AI SDK with our own provider, in process: `PROGRAM FOLDER MODEL ENCODER`, two files.
import assert from 'node:assert/strict'
import { load } from 'sluice'
import { createSluice } from 'sluice/ai-sdk'
import {
  endsAtStop,
  fillsForm,
  leaves,
  refusesTopP,
  sdk,
  streamsForm,
  thinksTwice,
  triesAgain,
  withTool,
} from './ai-sdk.mjs'
import { answer, city, form, question, runChecks, stop, thought, thrown } from './checks.mjs'

const { NoSuchModelError, UnsupportedFunctionalityError, embedMany, generateText, streamText } = sdk

const [file, encoder] = process.argv.slice(3)
const window = 16
const settings = { model: file, context: 32_768, parallel: 2, queue: 0, kvType: 'q8_0', window }
const engine = await load(settings)
const embeds = await load({ model: encoder })
const sluice = createSluice({ chat: engine, vectors: embeds })
const model = sluice('chat')
const asked = { model, prompt: question, stopSequences: [stop], maxRetries: 0 }
/** A reply that would go on for long. */
const endless = {
  ...asked,
  maxOutputTokens: 20_000,
  providerOptions: { sluice: { ignoreEos: true } },
}

/** Waits until a number of the engine's says so. */
async function until(look) {
  for (let i = 0; !look(engine.stats()); i++) {
    assert.ok(i < 2_000, JSON.stringify(engine.stats()))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const isIdle = ({ running, parked, queued }) => running + parked + queued === 0

await runChecks({
  async 'a tool is called, and the text after it ends at the stop string'() {
    const steps = await endsAtStop(asked)
    assert.equal(steps[1].providerMetadata.sluice.stopString, stop)
  },

  async 'a tool is called, and a form is filled after it'() {
    const steps = await fillsForm(asked)
    for (const { reasoningText, warnings } of steps) {
      assert.equal(reasoningText.trim(), thought)
      assert.deepEqual(warnings ?? [], [])
    }
    // The second step computes only what is new.
    const { inputTokens, inputTokenDetails } = steps[1].usage
    assert.ok(inputTokenDetails.cacheReadTokens >= steps[0].usage.inputTokens)
    assert.equal(inputTokenDetails.noCacheTokens, inputTokens - inputTokenDetails.cacheReadTokens)
  },

  async 'the same, while it streams'() {
    const { parts, order } = await streamsForm(asked)
    thinksTwice({ parts })
    const calling = ['tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call']
    const begin = order.indexOf('tool-input-start')
    assert.deepEqual(order.slice(begin, begin + 4), calling)
  },

  async 'a form alone is an object'() {
    globalThis.AI_SDK_LOG_WARNINGS = false // since 7 it is deprecated, which would be logged
    const prompt = `${question} ${city}`
    const { object } = await sdk.generateObject({ model, prompt, schema: form, maxRetries: 0 })
    assert.deepEqual(object, answer)
    delete globalThis.AI_SDK_LOG_WARNINGS
  },

  async 'a choice of tools is kept to'() {
    const { options, cities } = withTool(asked, { stopWhen: undefined, toolChoice: 'required' })
    const { toolCalls, finishReason } = await generateText(options)
    assert.deepEqual(cities, [city])
    assert.deepEqual(
      toolCalls.map(({ toolName, input }) => [toolName, input]),
      [['get_weather', { city }]],
    )
    assert.equal(finishReason, 'tool-calls')
    const none = withTool(asked, { toolChoice: 'none' })
    await generateText(none.options)
    assert.deepEqual(none.cities, [])
  },

  async 'reasoning is turned off by the option that the AI SDK 7 has, and by our own'() {
    const prompt = `${question} ${city}`
    const own = { providerOptions: { sluice: { reasoning: { enabled: false } } } }
    // The model of this test thinks in any case; what it was asked is in the prompt's length.
    const whole = await generateText({ model, prompt })
    const off = await generateText({ model, prompt, ...own })
    assert.ok(off.usage.inputTokens > whole.usage.inputTokens)
    if (sdk.isStepCount === undefined) return // the AI SDK 6 has no such option
    const none = await generateText({ model, prompt, reasoning: 'none' })
    assert.equal(none.usage.inputTokens, off.usage.inputTokens)
  },

  async 'the text is the one of engine.chat() at the same seed, whole and streamed'() {
    const messages = [{ role: 'user', content: question }]
    const wild = { temperature: 3, seed: 7 }
    const own = engine.chat(messages, { ...wild, maxTokens: 60 })
    const expected = (await own.done).reasoning + (await own.text())
    const same = { model, prompt: question, ...wild, maxOutputTokens: 60 }
    const { text, reasoningText = '' } = await generateText(same)
    assert.equal(reasoningText + text, expected)
    let streamed = ''
    for await (const { type, text } of streamText(same).fullStream) {
      if (/^(text|reasoning)-delta$/.test(type)) streamed += text
    }
    assert.equal(streamed, expected)
  },

  async 'a reader that stalls has its reply parked within its window'() {
    const { stream } = await model.doStream({
      prompt: [{ role: 'user', content: [{ type: 'text', text: question }] }],
      maxOutputTokens: 2_000,
      providerOptions: { sluice: { ignoreEos: true } },
    })
    const before = engine.stats()
    await until(({ parked }) => parked === 1)
    const { tokensGenerated, running } = engine.stats()
    assert.ok(tokensGenerated - before.tokensGenerated <= window + 4)
    assert.equal(running, 0)
    const steps = engine.stats().steps
    await stream.cancel()
    await until(isIdle)
    assert.ok(engine.stats().steps - steps <= 1)
  },

  async 'a stream of the SDK that nobody reads on is parked as well'() {
    const leave = new AbortController()
    const { fullStream } = streamText({ ...endless, abortSignal: leave.signal })
    const reader = fullStream.getReader()
    for (let i = 0; i < 4; i++) await reader.read()
    await until(({ parked }) => parked === 1)
    leave.abort()
    await until(isIdle)
    await reader.cancel()
  },

  async 'who leaves is heard of, and costs a step at most'() {
    await leaves(endless)
    await until(isIdle)
    const leave = new AbortController()
    const { fullStream } = streamText({
      ...endless,
      abortSignal: leave.signal,
      onAbort: () => undefined,
    })
    let steps
    for await (const { type } of fullStream) {
      if (type !== 'reasoning-delta' || steps !== undefined) continue
      leave.abort()
      steps = engine.stats().steps
    }
    assert.notEqual(steps, undefined)
    await until(isIdle)
    assert.ok(engine.stats().steps - steps <= 1)
    const gone = new AbortController()
    const cut = thrown(generateText({ ...endless, abortSignal: gone.signal }))
    await until(({ running }) => running === 1)
    gone.abort()
    const begun = engine.stats().steps
    assert.equal((await cut).name, 'AbortError')
    await until(isIdle)
    assert.ok(engine.stats().steps - begun <= 1)
  },

  async 'refusals have status, words and whether to try again'() {
    const wrong = await refusesTopP(asked, /'topP'/)
    assert.equal(wrong.cause.code, 'ERR_INVALID_OPTION')
    const misspelt = { ...asked, providerOptions: { sluice: { minp: 0.1 } } }
    const unknown = await thrown(generateText(misspelt))
    assert.match(unknown.message, /providerOptions.sluice.minp.*minP/s)
    const other = await thrown((async () => sluice('nothing'))())
    assert.ok(NoSuchModelError.isInstance(other))
  },

  async 'a file at a URL is refused, and not fetched'() {
    const data = new URL('http://127.0.0.1:1/a.txt') // nothing could be fetched there
    const content = [{ type: 'file', mediaType: 'text/plain', data }]
    const messages = [{ role: 'user', content }]
    const error = await thrown(generateText({ model, messages, maxRetries: 0 }))
    assert.ok(UnsupportedFunctionalityError.isInstance(error))
  },

  async 'a registry of the SDK finds the models by their names'() {
    const registry = sdk.createProviderRegistry({ sluice })
    const { text } = await generateText({
      model: registry.languageModel('sluice:chat'),
      prompt: `${question} ${city}`,
    })
    assert.ok(text.startsWith('{"city"'))
  },

  async 'a queue that is full is tried again'() {
    await triesAgain(asked, endless)
  },

  async 'texts are embedded as by the engine'() {
    const values = ['a fox', 'a hare', 'a fox']
    const { embeddings, usage } = await embedMany({ model: sluice.embeddingModel(), values })
    const { embeddings: own } = await embeds.embed(values)
    assert.deepEqual(embeddings[1], Array.from(own[1]))
    assert.deepEqual(embeddings[0], embeddings[2])
    assert.ok(usage.tokens > 6)
  },
})
