import { expect, test } from 'vitest'
import { randomModel } from '../../support/models/random-model.js'
import { turnsOf } from '../../support/processor/event-loop.js'
import { closeAfterEach, postJson } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

closeAfterEach()

async function answer<T>(url: string, path: string, body: object): Promise<T> {
  const response = await postJson(url, path, body)
  expect(response.status).toBe(200)
  return (await response.json()) as T
}

const text = 'the fox said 狐 <|im_end|>'

test('a text becomes tokens and text again; its pieces are its bytes', async () => {
  const { url, engine } = await serveReal({ model: randomModel(), context: 512 })
  const { tokens } = await answer<{ tokens: number[] }>(url, '/tokenize', { content: text })
  expect(tokens).toEqual([...(await engine.tokenize(text, { parseSpecial: true }))])
  const { content } = await answer<{ content: string }>(url, '/detokenize', { tokens })
  expect(content).toBe(text)
  const asked = { content: text, with_pieces: true }
  const pieces = await answer<{ tokens: { id: number; piece: string | number[] }[] }>(
    url,
    '/tokenize',
    asked,
  )
  expect(pieces.tokens.map(({ id }) => id)).toEqual(tokens)
  expect(pieces.tokens.at(-1)?.piece).toBe('<|im_end|>')
  // The tiny tokenizer has 狐 as its three bytes.
  const bytes = pieces.tokens.filter(({ piece }) => typeof piece !== 'string')
  expect(bytes.map(({ piece }) => piece)).toEqual([...Buffer.from('狐')].map((byte) => [byte]))
  const all = pieces.tokens.map(({ piece }) => Buffer.from(piece as string))
  expect(Buffer.concat(all).toString()).toBe(text)
})

test('special tokens are plain text where they are not to be parsed', async () => {
  const { url } = await serveReal({ model: randomModel(), context: 512 })
  const asked = { content: '<|im_end|>', parse_special: false }
  const plain = await answer<{ tokens: number[] }>(url, '/tokenize', asked)
  expect(plain.tokens.length).toBeGreaterThan(1)
})

test('the prompt of a conversation has the tokens that its usage will report', async () => {
  const { url, engine } = await serveReal({ model: randomModel(), context: 512 })
  const messages = [{ role: 'user' as const, content: 'Tell me a story' }]
  const { prompt } = await answer<{ prompt: string }>(url, '/apply-template', { messages })
  expect(prompt).toBe('<|im_start|>user\nTell me a story<|im_end|>\n<|im_start|>assistant\n')
  const asked = { content: prompt, add_special: true }
  const { tokens } = await answer<{ tokens: number[] }>(url, '/tokenize', asked)
  const { promptTokens } = await engine.chat(messages, { maxTokens: 1 }).accepted
  expect(tokens).toHaveLength(promptTokens)
})

test('messages that a template refuses are a 400 that names the messages', async () => {
  const { url } = await serveReal({ model: randomModel({ chatTemplate: null }), context: 512 })
  const messages = [{ role: 'user', content: 'hi' }]
  const response = await postJson(url, '/apply-template', { messages })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { param: 'messages' } })
})

const hasClock = process.platform === 'linux'
test.runIf(hasClock)('half a million pieces leave the event loop to others', async () => {
  const { url } = await serveReal({ model: randomModel({ tokenizer: 'gpt-2' }), context: 512 })
  const content = 'a b '.repeat(250_000)
  const { tokens } = await answer<{ tokens: number[] }>(url, '/tokenize', { content })
  const asked = JSON.stringify({ content, with_pieces: true })
  let text = ''
  const turns = await turnsOf(async () => {
    const response = await fetch(`${url}/tokenize`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: asked,
    })
    text = await response.text()
  })
  // It was a second in one piece.
  expect(Math.max(...turns)).toBeLessThan(400)
  const pieces = JSON.parse(text) as { tokens: { id: number; piece: string }[] }
  expect(pieces.tokens.map(({ id }) => id)).toEqual(tokens)
})
