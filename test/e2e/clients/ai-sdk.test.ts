import path from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, embedMany, generateText, streamText } from 'ai'
import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { encoderModel } from '../../support/models/encoder-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// Vercel's AI SDK, unchanged, with its provider for servers like ours.

closeAfterEach()

const endless = scriptModel({ reply: 'On and on it goes. ', repeat: true })
const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')
const prompt = 'Tell me a story about a fox'

function providerOf(url: string, apiKey = 'your-api-key') {
  const settings = { name: 'sluice', baseURL: `${url}/v1`, includeUsage: true }
  return createOpenAICompatible({ ...settings, apiKey })
}

function modelOf(url: string, apiKey?: string) {
  return providerOf(url, apiKey)('default')
}

test('the AI SDK generates a text, and streams the same at one seed', async () => {
  const { url } = await serveReal({ model: storyteller }, { apiKeys: ['your-api-key'] })
  const model = modelOf(url)
  const whole = await generateText({ model, prompt, seed: 7 })
  expect(whole.text.split(' ').length).toBeGreaterThan(30)
  expect(whole.finishReason).toBe('stop')
  const streamed = streamText({ model, prompt, seed: 7 })
  let text = ''
  for await (const piece of streamed.textStream) text += piece
  expect(text).toBe(whole.text)
  expect(await streamed.finishReason).toBe('stop')
  const { inputTokens, outputTokens } = await streamed.usage
  expect({ inputTokens, outputTokens }).toEqual({
    inputTokens: whole.usage.inputTokens,
    outputTokens: whole.usage.outputTokens,
  })
  expect(inputTokens).toBeGreaterThan(0)
})

test('the AI SDK reports a limit, a wrong key and a wrong request', async () => {
  const { url } = await serveReal({ model: storyteller }, { apiKeys: ['your-api-key'] })
  const short = await generateText({ model: modelOf(url), prompt, maxOutputTokens: 3 })
  expect(short.finishReason).toBe('length')
  expect(short.usage.outputTokens).toBe(3)
  const refused = async (asked: Parameters<typeof generateText>[0]) => {
    const error: unknown = await generateText({ maxRetries: 0, ...asked }).catch((e: unknown) => e)
    return APICallError.isInstance(error) ? error : expect.fail(`${error}`)
  }
  expect((await refused({ model: modelOf(url, 'wrong'), prompt })).statusCode).toBe(401)
  const wrong = await refused({ model: modelOf(url), prompt, topP: 2 })
  expect(wrong.statusCode).toBe(400)
  expect(wrong.message).toContain("'top_p'")
})

test('an abort in the AI SDK ends the generation', async () => {
  const { url, engine, quiet } = await serveReal({ model: endless })
  const leave = new AbortController()
  const model = modelOf(url)
  const streamed = streamText({
    model,
    prompt,
    abortSignal: leave.signal,
    onError: () => undefined,
  })
  for await (const _ of streamed.textStream) leave.abort()
  await eventually(() => engine.stats().cancelled === 1)
  await quiet()
})

test('the AI SDK embeds many texts', async () => {
  const { url, engine } = await serveReal({ model: encoderModel() })
  const values = ['The fox went home.', 'A day at the sea']
  const model = providerOf(url).embeddingModel('default')
  const { embeddings, usage } = await embedMany({ model, values })
  const inProcess = await engine.embed(values)
  expect(embeddings).toEqual(inProcess.embeddings.map((one) => [...one]))
  expect(usage.tokens).toBe(inProcess.usage.promptTokens)
})
