import path from 'node:path'
import { HumanMessage, SystemMessage } from '@langchain/core/messages'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { expect, test } from 'vitest'
import { encoderModel } from '../../support/models/encoder-model.js'
import { closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// LangChain's client, unchanged but for the address.

closeAfterEach()

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')
const messages = [
  new SystemMessage('You tell stories.'),
  new HumanMessage('Tell me a story about a fox'),
]

function modelOf(url: string, more: object = {}): ChatOpenAI {
  const configuration = { baseURL: `${url}/v1` }
  const fields = { model: 'default', apiKey: 'your-api-key', modelKwargs: { seed: 7 } }
  return new ChatOpenAI({ ...fields, maxRetries: 0, configuration, ...more })
}

/** Its declarations lose sight of this field, but it is there. */
function tokensOf(message: object): number {
  const { usage_metadata: usage } = message as { usage_metadata?: { output_tokens: number } }
  return usage?.output_tokens ?? 0
}

test('LangChain invokes, and streams the same text at one seed', async () => {
  const { url } = await serveReal({ model: storyteller }, { apiKeys: ['your-api-key'] })
  const whole = await modelOf(url).invoke(messages)
  expect(whole.text.split(' ').length).toBeGreaterThan(30)
  expect(whole.response_metadata.finish_reason).toBe('stop')
  let text = ''
  let outputTokens = 0
  for await (const chunk of await modelOf(url).stream(messages)) {
    text += chunk.text
    outputTokens += tokensOf(chunk)
  }
  expect(text).toBe(whole.text)
  expect(outputTokens).toBeGreaterThan(30)
  expect(outputTokens).toBe(tokensOf(whole))
})

test('LangChain takes several conversations at once', async () => {
  const { url } = await serveReal({ model: storyteller })
  const replies = await modelOf(url).batch([messages, messages, messages])
  expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
})

test('LangChain reports a limit and a wrong key', async () => {
  const { url } = await serveReal({ model: storyteller }, { apiKeys: ['your-api-key'] })
  const short = await modelOf(url, { maxTokens: 3 }).invoke(messages)
  expect(short.response_metadata.finish_reason).toBe('length')
  expect(tokensOf(short)).toBe(3)
  const wrong = modelOf(url, { apiKey: 'wrong' }).invoke(messages)
  await expect(wrong).rejects.toMatchObject({ status: 401 })
})

test('LangChain embeds documents and a question', async () => {
  const { url, engine } = await serveReal({ model: encoderModel() })
  const configuration = { baseURL: `${url}/v1` }
  const embeddings = new OpenAIEmbeddings({ model: 'default', apiKey: 'any', configuration })
  const texts = ['The fox went home.', 'A day at the sea']
  const inProcess = await engine.embed(texts)
  const vectors = inProcess.embeddings.map((one) => [...one])
  expect(await embeddings.embedDocuments(texts)).toEqual(vectors)
  // Alone, with fewer rows in the call, sums may be rounded in another way.
  const query = await embeddings.embedQuery(texts[1] ?? '')
  expect(distance(query, vectors[1])).toBeLessThan(1e-3)
  expect(distance(query, vectors[0])).toBeGreaterThan(0.1)
})

/** Of vectors of length 1: 0 is the same, 2 the opposite. */
function distance(a: number[], b: number[] = []): number {
  return Math.hypot(...a.map((value, i) => value - (b[i] ?? Number.NaN)))
}
