import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { kindModel } from '../../support/models/model-kinds.js'
import { scriptModel } from '../../support/models/script-model.js'
import { closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Several choices and logprobs by the official client, on the real engine.

closeAfterEach()

type Params = Omit<OpenAI.ChatCompletionCreateParamsStreaming, 'stream' | 'model' | 'messages'>

const messages = [{ role: 'user' as const, content: 'Tell me a story' }]
// Its likeliest token stands well above the next: it says the same alone and in company.
const model = kindModel('plain')
const endless = { max_completion_tokens: 60, ignore_eos: true }

async function open(model: string) {
  // On one thread: how rows are shared out among several shows in the last bits.
  const served = await serveReal({ model, kvType: 'q8_0', threads: 1 })
  const client = new OpenAI({ apiKey: 'any', baseURL: `${served.url}/v1`, maxRetries: 0 })
  const whole = (params: Params) =>
    client.chat.completions.create({ model: 'default', messages, ...params, stream: false })
  return { ...served, client, whole }
}

const bytesOf = (entries: readonly { bytes: number[] | null }[]) =>
  Buffer.from(entries.flatMap(({ bytes }) => bytes ?? [])).toString('utf8')

describe(wireCheck(11, 14), () => {
  test('three choices are the same streamed, in a body and in process', async () => {
    const { engine, client, whole } = await open(model)
    const params: Params = { n: 3, seed: 7, ...endless }
    const { choices, usage } = await whole(params)
    const texts = choices.map(({ message }) => message.content)
    expect(new Set(texts).size).toBe(3)
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(usage?.completion_tokens).toBe(180)
    const stream = client.chat.completions.stream({ model: 'default', messages, ...params })
    const streamed = await stream.finalChatCompletion()
    expect(streamed.choices.map(({ message }) => message.content)).toEqual(texts)
    const inProcess = engine.chat(messages, { n: 3, seed: 7, maxTokens: 60, ignoreEos: true })
    expect(await inProcess.texts()).toEqual(texts)
    const alone = engine.chat(messages, { seed: 9, maxTokens: 60, ignoreEos: true })
    expect(await alone.text()).toBe(texts[2])
  })
})

describe(wireCheck(16), () => {
  test('logprobs rebuild the text, streamed, in a body and with three choices', async () => {
    const { client, whole, engine } = await open(model)
    const params: Params = { n: 3, seed: 7, logprobs: true, top_logprobs: 4, ...endless }
    const { choices } = await whole(params)
    const stream = client.chat.completions.stream({ model: 'default', messages, ...params })
    const streamed = await stream.finalChatCompletion()
    for (const [index, { message, logprobs }] of choices.entries()) {
      const entries = logprobs?.content ?? []
      expect(entries).toHaveLength(60)
      expect(bytesOf(entries)).toBe(message.content)
      for (const { top_logprobs, logprob } of entries) {
        expect(top_logprobs).toHaveLength(4)
        expect(logprob).toBeLessThanOrEqual(0)
      }
      const other = streamed.choices[index]?.logprobs?.content ?? []
      expect(other.map(({ bytes }) => bytes)).toEqual(entries.map(({ bytes }) => bytes))
      expect(bytesOf(other)).toBe(streamed.choices[index]?.message.content)
    }
    const reply = engine.chat(messages, { seed: 8, maxTokens: 60, ignoreEos: true, logprobs: 4 })
    const told: number[] = []
    for await (const { logprobs = [] } of reply) told.push(...logprobs.map((one) => one.logprob))
    for (const [i, entry] of (choices[1]?.logprobs?.content ?? []).entries()) {
      expect(entry.logprob).toBeCloseTo(told[i] ?? 1, 3)
    }
  })

  test('logprobs end before a stop string, and with characters that tokens split', async () => {
    const said = 'Grüße an 🦊🦊 und 漢字: "naïve" — Ende.'
    const { client } = await open(scriptModel({ reply: said }))
    for (const stop of [undefined, '漢字', '🦊 und', 'aïv']) {
      const stream = client.chat.completions.stream({
        model: 'default',
        messages,
        logprobs: true,
        ...(stop === undefined ? {} : { stop }),
      })
      const { choices } = await stream.finalChatCompletion()
      const expected = stop === undefined ? said : said.slice(0, said.indexOf(stop))
      expect(choices[0]?.message.content).toBe(expected)
      expect(bytesOf(choices[0]?.logprobs?.content ?? [])).toBe(expected)
    }
  })
})

test('a client that stops reading three choices frees all their slots', async () => {
  const { client, engine, quiet } = await open(model)
  const stream = await client.chat.completions.create({
    model: 'default',
    messages,
    n: 3,
    stream: true,
    ...{ ignore_eos: true },
  })
  const seen = new Set<number>()
  for await (const { choices } of stream) {
    if (choices[0]?.delta.content) seen.add(choices[0].index)
    if (seen.size === 3) break
  }
  await quiet()
  expect(engine.stats()).toMatchObject({ started: 3, cancelled: 3, cellsUsed: 0 })
})
