import { describe, expect, test } from 'vitest'
import type { ChatMessage, Engine, Reply, TokenLogprob, TokenLogprobs } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'
import { scriptModel } from '../../support/models/script-model.js'
import { suiteLoader } from '../../support/suite-engines.js'

const ask: ChatMessage[] = [{ role: 'user', content: 'Tell me a story' }]
const story = 'Déjà vu: the 狐 said “ÿ” to the 🦊, twice. '

interface Told {
  text: string
  entries: TokenLogprobs[]
  tokens: number
}

async function read(reply: Reply): Promise<Told> {
  const told: Told = { text: '', entries: [], tokens: 0 }
  for await (const part of reply) {
    told.text += part.text
    told.tokens += part.tokens
    told.entries.push(...(part.logprobs ?? []))
  }
  return told
}

const hex = ({ bytes }: TokenLogprob) => Buffer.from(bytes).toString('hex')

const textOf = (entries: readonly { bytes: Uint8Array }[]) =>
  Buffer.concat(entries.map(({ bytes }) => bytes)).toString('utf8')

describe('logprobs', () => {
  const open = suiteLoader()

  test('come for each token, with the alternatives asked for, and change no text', async () => {
    const engine = await open({ model: randomModel() })
    const options = { seed: 3, maxTokens: 40, ignoreEos: true }
    const plain = engine.chat(ask, options)
    const { text, entries, tokens } = await read(engine.chat(ask, { ...options, logprobs: 5 }))
    expect(text).toBe(await plain.text())
    expect(tokens).toBe((await plain.done).usage.completionTokens)
    expect(entries).toHaveLength(40)
    expect(textOf(entries)).toBe(text)
    for (const { top, logprob } of entries) {
      expect(top).toHaveLength(5)
      expect(logprob).toBeLessThanOrEqual(0)
      const sorted = top.map((one) => one.logprob).sort((a, b) => b - a)
      expect(top.map((one) => one.logprob)).toEqual(sorted)
    }
    expect((await read(plain)).entries).toEqual([])
  })

  test('are those of the distribution that tokens are drawn from at temperature 1', async () => {
    const engine = await open({ model: randomModel({ logitDeviation: 1.5 }), parallel: 16 })
    const draw = async (seed: number) => {
      return read(engine.chat(ask, { seed, maxTokens: 1, ignoreEos: true, logprobs: 20 }))
    }
    const draws = 640
    const counts = new Map<string, number>()
    let top: readonly TokenLogprob[] = []
    for (let seed = 0; seed < draws; seed += 16) {
      const batch = await Promise.all(Array.from({ length: 16 }, (_, i) => draw(seed + i)))
      for (const { entries } of batch) {
        const [entry] = entries
        if (entry === undefined) throw new Error('a reply without a token')
        counts.set(hex(entry), (counts.get(hex(entry)) ?? 0) + 1)
        top = entry.top
      }
    }
    // Five standard deviations of a binomial count.
    expect(top).toHaveLength(20)
    for (const token of top) {
      const share = Math.exp(token.logprob)
      const expected = draws * share
      const margin = 5 * Math.sqrt(expected * (1 - share))
      expect(Math.abs((counts.get(hex(token)) ?? 0) - expected)).toBeLessThan(margin)
    }
  })

  test('tell a control token by its name, without bytes', async () => {
    const engine = await open({ model: randomModel() })
    const [mark = -1] = await engine.tokenize('<|im_start|>', { parseSpecial: true })
    const options = { maxTokens: 3, logitBias: { [mark]: 100 }, logprobs: 1 }
    const { text, entries } = await read(engine.chat(ask, options))
    expect(text).toBe('')
    expect(entries).toHaveLength(3)
    for (const entry of entries) {
      expect(entry).toMatchObject({ token: '<|im_start|>', bytes: Buffer.alloc(0) })
      expect(entry.top[0]?.token).not.toBe('<|im_start|>')
    }
  })

  test('leave out the end, unless the reply must go on beyond it', async () => {
    const engine = await open({ model: scriptModel({ reply: story }) })
    const { text, entries } = await read(engine.chat(ask, { logprobs: 1 }))
    expect(text).toBe(story)
    expect(entries.map(({ token }) => token)).not.toContain('<|im_end|>')
    const beyond = { logprobs: 1, ignoreEos: true, maxTokens: entries.length + 1 }
    const [last] = (await read(engine.chat(ask, beyond))).entries.slice(-1)
    expect(last?.top).toMatchObject([
      { token: '<|im_end|>', bytes: Buffer.alloc(0), logprob: expect.closeTo(0) },
    ])
    expect(last?.token).not.toBe('<|im_end|>')
  })

  test('differ by the very bias that makes two tokens change ranks', async () => {
    const engine = await open({ model: randomModel(), kvType: 'q8_0' })
    const options = { temperature: 0, maxTokens: 1, ignoreEos: true } as const
    for (const content of ['a fox', 'an owl', 'the sea', 'snow']) {
      const about: ChatMessage[] = [{ role: 'user', content }]
      const { entries } = await read(engine.chat(about, { ...options, logprobs: 20 }))
      const [first, ...others] = entries[0]?.top ?? []
      const second = others.find(({ token }) => token !== '\uFFFD') // one that idOf() can find
      if (first === undefined || second === undefined) throw new Error('there are no alternatives')
      expect(entries[0]).toMatchObject(first)
      const gap = first.logprob - second.logprob
      const id = await idOf(engine, second)
      const say = async (bias: number) => {
        const reply = engine.chat(about, { ...options, logprobs: 0, logitBias: { [id]: bias } })
        return (await read(reply)).entries[0]
      }
      expect((await say(gap - 0.001))?.bytes).toEqual(first.bytes)
      const other = await say(gap + 0.001)
      expect(other?.bytes).toEqual(second.bytes)
      expect(other?.logprob).toBeCloseTo(second.logprob, 4) // of the model, whatever the bias
    }
  })

  test('have 0 alternatives where 0 are asked for, and sum to at most 1', async () => {
    const engine = await open({ model: randomModel() })
    const options = { seed: 1, maxTokens: 12, ignoreEos: true }
    const none = await read(engine.chat(ask, { ...options, logprobs: 0 }))
    const many = await read(engine.chat(ask, { ...options, logprobs: 20 }))
    expect(none.entries.map(({ top }) => top.length)).toEqual(Array(12).fill(0))
    for (const [i, { logprob }] of none.entries.entries()) {
      expect(logprob).toBeCloseTo(many.entries[i]?.logprob ?? 1, 4)
    }
    for (const entry of many.entries) {
      const { top, logprob } = entry
      const sum = top.reduce((shares, one) => shares + Math.exp(one.logprob), 0)
      expect(sum).toBeLessThan(1 + 1e-5)
      const itself = top.find((one) => hex(one) === hex(entry))
      expect(itself?.logprob ?? logprob).toBe(logprob)
    }
  })

  test('come in whole though tokens split characters: their bytes are the text', async () => {
    const engine = await open({ model: scriptModel({ reply: story, repeat: true }) })
    const reply = engine.chat(ask, { maxTokens: 100, logprobs: 1 })
    let text = ''
    let bytes = ''
    for await (const part of reply) {
      text += part.text
      bytes += (part.logprobs ?? []).map((one) => Buffer.from(one.bytes).toString('hex')).join('')
      expect(part.text).not.toContain('\uFFFD')
      expect(Buffer.from(text).toString('hex').startsWith(bytes)).toBe(true)
    }
    expect(Buffer.from(bytes, 'hex').toString('utf8')).toBe(text)
    expect(text.startsWith(story)).toBe(true)
  })

  test('of a token that a stop string begins in have the bytes before it', async () => {
    const engine = await open({ model: scriptModel({ reply: story, repeat: true }) })
    for (const stop of ['said “ÿ” to', ' the 🦊', 'é', 'wice', 'D']) {
      const reply = engine.chat(ask, { stop, maxTokens: 400, logprobs: 2 })
      const { text, entries } = await read(reply)
      expect(text).toBe(story.slice(0, story.indexOf(stop)))
      expect(textOf(entries)).toBe(text)
      expect((await reply.done).usage.completionTokens).toBeGreaterThanOrEqual(entries.length)
    }
  })

  test('name control tokens, which have no bytes, and leave out that of the end', async () => {
    const engine = await open({ model: scriptModel({ reply: 'Once upon a time.' }) })
    const { text, entries } = await read(engine.chat(ask, { logprobs: 20 }))
    expect(text).toBe('Once upon a time.')
    expect(textOf(entries)).toBe(text)
    const other = await open({ model: randomModel() })
    const [mark = -1] = await other.tokenize('<|im_start|>', { parseSpecial: true })
    const options = { logitBias: { [mark]: 100 }, temperature: 0, maxTokens: 3, logprobs: 20 }
    const named = await read(other.chat(ask, options))
    expect(named.text).toBe('')
    expect(named.tokens).toBe(3)
    const token = { token: '<|im_start|>', bytes: Buffer.alloc(0) }
    expect(named.entries).toMatchObject([token, token, token])
  })

  test('are the same for a reader that is slow, and with a neighbour', async () => {
    const engine = await open({ model: randomModel(), parallel: 2, window: 4, kvType: 'q8_0' })
    const options = { temperature: 0, maxTokens: 60, ignoreEos: true, logprobs: 3 }
    const swift = await read(engine.chat(ask, options))
    const neighbour = engine.complete('the sea', { maxTokens: 200, ignoreEos: true }).text()
    const slow: TokenLogprobs[] = []
    for await (const part of engine.chat(ask, options)) {
      slow.push(...(part.logprobs ?? []))
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await neighbour
    expect(slow.map(({ token }) => token)).toEqual(swift.entries.map(({ token }) => token))
    for (const [i, { logprob }] of slow.entries()) {
      expect(logprob).toBeCloseTo(swift.entries[i]?.logprob ?? 0, 4)
    }
  })

  test('are those of a reply that gave up its slot meanwhile', async () => {
    const engine = await open({ model: randomModel(), parallel: 1, window: 8, kvType: 'q8_0' })
    const options = { temperature: 0, maxTokens: 60, ignoreEos: true, logprobs: 3 }
    const expected = await read(engine.chat(ask, options))
    const parked = engine.chat(ask, options)
    await eventually(() => engine.stats().parked === 1)
    await engine.complete('the sea', { maxTokens: 5, ignoreEos: true }).done
    expect(engine.stats().preempted).toBe(1)
    const { entries, text } = await read(parked)
    expect(text).toBe(expected.text)
    expect(textOf(entries)).toBe(text)
    expect(entries.map(hex)).toEqual(expected.entries.map(hex))
    for (const [i, { logprob }] of entries.entries()) {
      expect(logprob).toBeCloseTo(expected.entries[i]?.logprob ?? 1, 4)
    }
  })

  test('are the model’s own where a grammar chose: also of what it would have said', async () => {
    const engine = await open({ model: randomModel(), kvType: 'q8_0' })
    const options = { temperature: 0, maxTokens: 8, logprobs: 20 }
    const free = await read(engine.chat(ask, { ...options, maxTokens: 1, ignoreEos: true }))
    const { entries, text } = await read(
      engine.chat(ask, { ...options, grammar: 'root ::= [0-9]{8}' }),
    )
    expect(text).toMatch(/^[0-9]{8}$/)
    expect(textOf(entries)).toBe(text)
    expect(entries[0]?.top.map(hex)).toEqual(free.entries[0]?.top.map(hex))
    const [digit = -1] = await engine.tokenize(text[0] ?? '')
    const biased = { ...options, maxTokens: 1, logitBias: { [digit]: 100 } }
    const same = (await read(engine.chat(ask, biased))).entries[0]
    expect(same?.token).toBe(text[0])
    expect(entries[0]?.logprob).toBeCloseTo(same?.logprob ?? 1, 4)
  })

  test('are those of the rows that drafts were checked in', async () => {
    const options = { temperature: 0, maxTokens: 60, ignoreEos: true, logprobs: 2 }
    const model = randomModel({ logitDeviation: 8 })
    const plain = await open({ model, kvType: 'q8_0' })
    const drafting = await open({ model, kvType: 'q8_0', draft: model, draftMax: 4 })
    const expected = await read(plain.chat(ask, options))
    const reply = drafting.chat(ask, options)
    const drafted = await read(reply)
    expect((await reply.done).timings.draftAcceptedTokens).toBeGreaterThan(0)
    expect(textOf(drafted.entries)).toBe(drafted.text)
    expect(drafted.entries.map(({ token }) => token)).toEqual(
      expected.entries.map(({ token }) => token),
    )
    for (const [i, { logprob }] of drafted.entries.entries()) {
      expect(logprob).toBeCloseTo(expected.entries[i]?.logprob ?? 1, 4)
    }
  })
})

async function idOf(engine: Engine, { token }: TokenLogprob): Promise<number> {
  for (let id = 0; id < engine.model.vocabulary; id++) {
    if ((await engine.detokenize([id])) === token) return id
  }
  throw new Error(`no token is ${token}`)
}
