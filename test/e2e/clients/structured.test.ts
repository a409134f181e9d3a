import path from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatOpenAI } from '@langchain/openai'
import { generateObject, streamObject } from 'ai'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// Structured output through the clients that people use, unchanged, on the embedded model: it
// tells stories and nothing else, so whatever fits the schema does so because it had to.

closeAfterEach()

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')
const prompt = 'Tell me about a fox'
const animal = z.object({
  kind: z.enum(['fox', 'bear', 'owl']),
  isBrave: z.boolean(),
  friends: z.array(z.object({ name: z.enum(['Anna', 'Ben']), age: z.int().min(0).max(99) })).max(3),
  home: z.union([z.literal('forest'), z.null()]),
})

async function served(): Promise<string> {
  const { url } = await serveReal({ model: storyteller })
  return `${url}/v1`
}

test('the official client parses what zod describes, streamed and not', async () => {
  const client = new OpenAI({ apiKey: 'any', baseURL: await served(), maxRetries: 0 })
  const body = {
    model: 'default',
    messages: [{ role: 'user' as const, content: prompt }],
    response_format: zodResponseFormat(animal, 'animal'),
    seed: 7,
  }
  const whole = await client.chat.completions.parse(body)
  const parsed = whole.choices[0]?.message.parsed
  expect(animal.parse(parsed)).toEqual(parsed)
  expect(whole.choices[0]?.finish_reason).toBe('stop')
  const streamed = await client.chat.completions.stream(body).finalChatCompletion()
  expect(streamed.choices[0]?.message.parsed).toEqual(parsed)
})

test('the AI SDK generates and streams an object', async () => {
  const baseURL = await served()
  const settings = { name: 'sluice', baseURL, supportsStructuredOutputs: true }
  const model = createOpenAICompatible(settings)('default')
  const { object } = await generateObject({ model, schema: animal, prompt, seed: 7 })
  expect(animal.parse(object)).toEqual(object)
  const streamed = streamObject({ model, schema: animal, prompt, seed: 7 })
  let last: unknown
  for await (const partial of streamed.partialObjectStream) last = partial
  expect(last).toEqual(object)
  expect(await streamed.object).toEqual(object)
})

test('the AI SDK gets any object where it names no schema', async () => {
  const model = createOpenAICompatible({ name: 'sluice', baseURL: await served() })('default')
  const { object } = await generateObject({
    model,
    output: 'no-schema',
    prompt,
    seed: 7,
    temperature: 0,
  })
  expect(typeof object).toBe('object')
})

test('LangChain invokes for an object', async () => {
  const configuration = { baseURL: await served() }
  const model = new ChatOpenAI({ model: 'default', apiKey: 'any', maxRetries: 0, configuration })
  const structured = model.withStructuredOutput(animal, { method: 'jsonSchema', name: 'animal' })
  const object = await structured.invoke(prompt)
  expect(animal.parse(object)).toEqual(object)
})
