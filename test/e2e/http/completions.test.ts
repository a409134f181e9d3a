import OpenAI from 'openai'
import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach, postJson } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// The official client on the real engine. Random models' tokens are often no whole characters,
// which is what the logprobs are tested with.

closeAfterEach()

const storyteller = new URL('../../../models/storyteller.gguf', import.meta.url).pathname
const prompt = 'Once upon a time there was a fox.'
const common = { model: 'default', max_tokens: 24, seed: 7 }

function clientOf(url: string): OpenAI {
  return new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 })
}

test('streamed text is unstreamed text and the text in process', async () => {
  const { url, engine } = await serveReal({ model: storyteller, context: 512 })
  const client = clientOf(url)
  const whole = await client.completions.create({ ...common, prompt })
  const stream = await client.completions.create({ ...common, prompt, stream: true })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? ''
  const inProcess = await engine.complete(prompt, { maxTokens: 24, seed: 7 }).text()
  expect(text).toBe(inProcess)
  expect(whole.choices[0]?.text).toBe(inProcess)
  expect(inProcess.length).toBeGreaterThan(20)
  const tokens = await engine.tokenize(prompt, { addSpecial: true, parseSpecial: true })
  expect(whole.usage?.prompt_tokens).toBe(tokens.length)
})

test('token ids say what their text says, and echo tells which text that is', async () => {
  const { url, engine } = await serveReal({ model: storyteller, context: 512 })
  const ids = [...(await engine.tokenize(prompt, { addSpecial: true, parseSpecial: true }))]
  const client = clientOf(url)
  const ofText = await client.completions.create({ ...common, prompt, echo: true })
  const both = await client.completions.create({ ...common, prompt: [ids, ids], echo: true })
  const texts = both.choices.map(({ text }) => text.slice(text.indexOf(prompt)))
  expect(texts).toEqual([ofText.choices[0]?.text, ofText.choices[0]?.text])
  expect(texts[0]?.startsWith(prompt)).toBe(true)
})

test('several prompts at once say what each says alone', async () => {
  const model = { model: randomModel(), context: 512, kvType: 'q8_0' as const, parallel: 3 }
  const { url } = await serveReal(model)
  const client = clientOf(url)
  const prompts = ['the fox', 'a tree', 'out of the wood', 'one day', prompt]
  const options = { ...common, ignore_eos: true }
  const alone: string[] = []
  for (const one of prompts) {
    const { choices } = await client.completions.create({ ...options, prompt: one })
    alone.push(choices[0]?.text ?? '')
  }
  const together = await client.completions.create({ ...options, prompt: prompts })
  expect(together.choices.map(({ text }) => text)).toEqual(alone)
  expect(together.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
})

test('n choices of a prompt are those of its seed and the next ones', async () => {
  const model = { model: randomModel(), context: 512, kvType: 'q8_0' as const }
  const { url } = await serveReal(model)
  const client = clientOf(url)
  const options = { ...common, ignore_eos: true, prompt }
  const three = await client.completions.create({ ...options, n: 3 })
  for (const [i, { text }] of three.choices.entries()) {
    const alone = await client.completions.create({ ...options, seed: common.seed + i })
    expect(alone.choices[0]?.text).toBe(text)
  }
  expect(new Set(three.choices.map(({ text }) => text)).size).toBe(3)
})

test('logprobs tell each token, and where in the text it stands', async () => {
  const { url } = await serveReal({ model: storyteller, context: 512 })
  const client = clientOf(url)
  const whole = await client.completions.create({ ...common, prompt, logprobs: 5 })
  const { text, logprobs } = whole.choices[0] as OpenAI.CompletionChoice
  const { tokens = [], token_logprobs: chosen = [], text_offset: offsets = [] } = logprobs ?? {}
  expect(tokens.join('')).toBe(text)
  expect(tokens).toHaveLength(whole.usage?.completion_tokens ?? 0)
  const characters = [...text]
  for (const [i, token] of tokens.entries()) {
    const at = offsets[i] ?? -1
    expect(characters.slice(at, at + [...token].length).join('')).toBe(token)
    const top = logprobs?.top_logprobs?.[i] ?? {}
    expect(top[token]).toBe(chosen[i])
    expect(Object.keys(top).length).toBeGreaterThanOrEqual(5)
    const sum = Object.values(top).reduce((total, one) => total + Math.exp(one), 0)
    expect(sum).toBeLessThanOrEqual(1.0001)
  }
  const stream = await client.completions.create({ ...common, prompt, logprobs: 5, stream: true })
  const streamed: string[] = []
  const places: number[] = []
  for await (const { choices } of stream) {
    streamed.push(...(choices[0]?.logprobs?.tokens ?? []))
    places.push(...(choices[0]?.logprobs?.text_offset ?? []))
  }
  expect(streamed).toEqual(tokens)
  expect(places).toEqual(offsets)
})

test('a token that is part of a character is told by its bytes', async () => {
  const { url } = await serveReal({ model: randomModel({ logitDeviation: 0 }), context: 512 })
  const asked = { ...common, max_tokens: 200, ignore_eos: true, prompt, logprobs: 1 }
  const whole = await clientOf(url).completions.create(asked)
  const tokens = whole.choices[0]?.logprobs?.tokens ?? []
  const parts = tokens.filter((token) => token.startsWith('bytes:'))
  expect(parts.length).toBeGreaterThan(0)
  for (const token of parts) expect(token).toMatch(/^bytes:(\\x[0-9a-f]{2})+$/)
  expect(tokens.some((token) => token.includes('\uFFFD'))).toBe(false)
})

test('a gap is filled where the model can, and refused where it cannot', async () => {
  const able = await serveReal({ model: randomModel({ infill: [70, 71, 72] }), context: 512 })
  const asked = { ...common, prompt: 'def add(a, b):', suffix: 'return sum' }
  const filled = await clientOf(able.url).completions.create(asked)
  const { promptTokens } = await able.engine.complete(asked.prompt, {
    suffix: asked.suffix,
    maxTokens: 1,
  }).accepted
  expect(filled.usage?.prompt_tokens).toBe(promptTokens)
  const ids = clientOf(able.url).completions.create({ ...asked, prompt: [1, 2] })
  await expect(ids).rejects.toMatchObject({ status: 400, param: 'prompt' })
  const unable = await serveReal({ model: randomModel(), context: 512 })
  const refused = clientOf(unable.url).completions.create(asked)
  await expect(refused).rejects.toMatchObject({ status: 400, param: 'suffix' })
})

test('a prompt without tokens, or with too many, is a 400 that names it', async () => {
  const { url } = await serveReal({ model: randomModel(), context: 64 })
  for (const [wrong, param, code] of [
    ['', 'prompt', null],
    [['a', ''], 'prompt[1]', null],
    ['word '.repeat(200), 'prompt', 'context_length_exceeded'],
    [['a', 'b', Array(65).fill('word').join(' ')], 'prompt[2]', 'context_length_exceeded'],
    [Array(64).fill(1), 'prompt', 'context_length_exceeded'],
  ] as const) {
    const response = await postJson(url, '/v1/completions', { model: 'default', prompt: wrong })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param, code } })
  }
})

test('a client that hangs up frees the slots of all its prompts', async () => {
  const { engine, client, quiet } = await serveReal({ model: randomModel(), context: 2048 })
  const raw = await client()
  const body = { model: 'default', prompt: ['a', 'b', 'c'], stream: true, max_tokens: 1900 }
  raw.send(post('/v1/completions', { ...body, ignore_eos: true }))
  await eventually(() => raw.text.includes('"index":2'))
  raw.reset()
  await quiet()
  expect(engine.stats()).toMatchObject({ cancelled: 3, cellsUsed: 0 })
})
