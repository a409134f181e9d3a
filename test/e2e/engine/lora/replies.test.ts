import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type CompletionOptions,
  type Engine,
  estimate,
  type LoadOptions,
  load,
} from '../../../../src/index.js'
import { canHold, holdableInEach, holdNextCall } from '../../../support/held-engine.js'
import {
  type AdapterOptions,
  mergedContent,
  randomAdapter,
} from '../../../support/models/adapter.js'
import { cachedModel } from '../../../support/models/model-cache.js'
import {
  type RandomModelOptions,
  randomModel,
  randomModelContent,
} from '../../../support/models/random-model.js'
import { randomWords } from '../../../support/random-words.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// LoRA adapters: a reply with one says what the model says with the adapter merged into its
// weights, whoever else is computed beside it.

/** How far logprobs of merged weights may be from those of an adapter: both round as they add. */
const tolerance = 2e-3

const own: RandomModelOptions = { seed: 7 }
const content = () => randomModelContent(own)
const model = randomModel(own)
const red: AdapterOptions = { seed: 1 }
const blue: AdapterOptions = { seed: 2, rank: 8, alpha: 4 }
const ends: AdapterOptions = { seed: 3, changes: (name) => !name.startsWith('blk.') }

const lora = {
  red: randomAdapter('random', content, red),
  blue: randomAdapter('random', content, blue),
}

function merged(...adapters: { options: AdapterOptions; scale?: number }[]): string {
  const key = {
    own,
    adapters: adapters.map((one) => ({ ...one, changes: `${one.options.changes}` })),
  }
  return cachedModel('merged', key, () => mergedContent(content(), adapters))
}

const options = { context: 512, gpu: false, parallel: 4 } satisfies LoadOptions
const loaded = suiteLoader()

const greedy = { temperature: 0, maxTokens: 24, ignoreEos: true } satisfies CompletionOptions
const prompts = [1, 2, 3].map((seed) => randomWords(12, seed).join(' '))

interface Said {
  text: string
  logprobs: number[]
}

/** The greedy text, and how likely each of its tokens and of the prompt's was. */
async function said(engine: Engine, prompt: string, given: CompletionOptions = {}): Promise<Said> {
  const reply = engine.complete(prompt, { ...greedy, logprobs: 0, promptLogprobs: 0, ...given })
  const logprobs: number[] = []
  let text = ''
  for await (const part of reply) {
    text += part.text
    for (const { logprob } of part.promptLogprobs ?? []) logprobs.push(logprob ?? 0)
    for (const { logprob } of part.logprobs ?? []) logprobs.push(logprob)
  }
  return { text, logprobs }
}

function expectSame(one: Said, other: Said): void {
  expect(one.text).toBe(other.text)
  expect(one.logprobs).toHaveLength(other.logprobs.length)
  const apart = one.logprobs.map((value, i) => Math.abs(value - (other.logprobs[i] ?? 0)))
  expect(Math.max(...apart)).toBeLessThan(tolerance)
}

async function cachedTokens(engine: Engine, prompt: string, given: CompletionOptions = {}) {
  const result = await engine.complete(prompt, { ...greedy, maxTokens: 1, ...given }).done
  return result.usage.cachedTokens
}

describe('an adapter says what its merged weights say', () => {
  const cases: [string, string, LoadOptions['lora'], CompletionOptions['lora']][] = [
    ['one', merged({ options: red }), lora, 'red'],
    ['another', merged({ options: blue }), lora, { blue: 1 }],
    [
      'one of embeddings and output',
      merged({ options: ends }),
      { ends: randomAdapter('random', content, ends) },
      'ends',
    ],
    ['half of one', merged({ options: red, scale: 0.5 }), lora, { red: 0.5 }],
    ['less than none of one', merged({ options: red, scale: -1 }), lora, { red: -1 }],
    [
      'one by the scale of its load',
      merged({ options: red, scale: 0.5 }),
      { red: { file: lora.red, scale: 0.5 } },
      'red',
    ],
    ['two', merged({ options: red }, { options: blue, scale: 0.5 }), lora, { red: 1, blue: 0.5 }],
    [
      'two in another order',
      merged({ options: red }, { options: blue, scale: 0.5 }),
      lora,
      { blue: 0.5, red: 1 },
    ],
  ]

  test.each(cases)('%s', async (_, file, adapters, asked) => {
    const engine = await loaded({ ...options, model, lora: adapters ?? {} })
    const whole = await loaded({ ...options, model: file })
    for (const prompt of prompts) {
      const without = await said(engine, prompt)
      const adapted = await said(engine, prompt, { lora: asked ?? {} })
      expectSame(adapted, await said(whole, prompt))
      expect(adapted.text).not.toBe(without.text)
    }
  })
})

describe('requests of several adapters at once', () => {
  holdableInEach()
  const sets: CompletionOptions['lora'][] = [{}, 'red', 'blue', { red: 1, blue: 0.5 }]

  test('each say what they say alone', async () => {
    const engine = await loaded({ ...options, parallel: 8, model, lora })
    const alone = new Map<string, string>()
    const asks = prompts.slice(0, 2).flatMap((prompt) => sets.map((set) => ({ prompt, set })))
    const replyTo = ({ prompt, set }: (typeof asks)[number]) =>
      engine.complete(prompt, { ...greedy, maxTokens: 60, lora: set ?? {} })
    const key = (ask: object) => JSON.stringify(ask)
    for (const ask of asks) alone.set(key(ask), await replyTo(ask).text())
    expect(new Set(alone.values()).size).toBe(asks.length)
    const before = engine.stats()
    const held = canHold ? holdNextCall() : undefined
    const replies = asks.map(replyTo)
    await Promise.all(replies.map(({ accepted }) => accepted))
    held?.release()
    const together = await Promise.all(replies.map((reply) => reply.text()))
    expect(together).toEqual(asks.map((ask) => alone.get(key(ask))))
    // They ran together: a step moves all of them, whatever their adapters.
    const after = engine.stats()
    expect(after.decodeSteps - before.decodeSteps).toBeLessThan(2 * 60)
  })

  test('choices of one reply are made with the adapter too', async () => {
    const engine = await loaded({ ...options, model, lora })
    const one = await engine.complete('once', { ...greedy, lora: 'red' }).text()
    const result = await engine.complete('once', { ...greedy, lora: 'red', n: 3 }).done
    expect(result.choices.map(({ text }) => text)).toEqual([one, one, one])
  })
})

describe('computed states are shared within one set of adapters only', () => {
  const prompt = randomWords(80, 9).join(' ')
  const sets: CompletionOptions['lora'][] = [
    {},
    { red: 1 },
    { red: 0.5 },
    { blue: 1 },
    { red: 1, blue: 1 },
  ]

  test.each([1, 4])('with %d slots', async (parallel) => {
    const engine = await loaded({ ...options, parallel, cacheMiB: 64, model, lora })
    for (const set of sets) expect(await cachedTokens(engine, prompt, { lora: set ?? {} })).toBe(0)
    for (const set of sets) {
      expect(await cachedTokens(engine, prompt, { lora: set ?? {} })).toBeGreaterThan(60)
    }
    // The same sets in other words.
    expect(await cachedTokens(engine, prompt, { lora: { blue: 1, red: 1 } })).toBeGreaterThan(60)
    expect(await cachedTokens(engine, prompt, { lora: { red: 1, blue: 0 } })).toBeGreaterThan(60)
    expect(await cachedTokens(engine, prompt, { lora: 'red' })).toBeGreaterThan(60)
    expect(await cachedTokens(engine, prompt, { lora: { red: 0 } })).toBeGreaterThan(60)
    expect(await cachedTokens(engine, prompt)).toBeGreaterThan(60)
    // And a tenant's are the tenant's.
    expect(await cachedTokens(engine, prompt, { lora: 'red', cacheSalt: 'a' })).toBe(0)
    expect(await cachedTokens(engine, prompt, { lora: 'red', cacheSalt: 'a' })).toBeGreaterThan(60)
  })

  test('one that waits for another’s prefix waits for one of its own adapters', async () => {
    const engine = await loaded({ ...options, parallel: 4, cacheMiB: 0, model, lora })
    const asked = [{}, { red: 1 }, {}, { red: 1 }].map((set) => {
      return engine.complete(prompt, { ...greedy, maxTokens: 8, lora: set }).done
    })
    const results = await Promise.all(asked)
    const cached = results.map(({ usage }) => usage.cachedTokens)
    expect(cached.filter((tokens) => tokens === 0)).toHaveLength(2)
    expect(results[0]?.text).toBe(results[2]?.text)
    expect(results[1]?.text).toBe(results[3]?.text)
    expect(results[0]?.text).not.toBe(results[1]?.text)
  })
})

describe('beside what else an engine does', () => {
  test('nothing is drafted for a reply with an adapter, and drafts for others go on', async () => {
    const engine = await loaded({ ...options, model, lora, lookup: true, draftMax: 4 })
    const prompt = 'a b c d e f g h '.repeat(6)
    const plain = await loaded({ ...options, model, lora })
    for (const set of [{}, { red: 1 }]) {
      const result = await engine.complete(prompt, { ...greedy, lora: set }).done
      const same = await plain.complete(prompt, { ...greedy, lora: set }).done
      expect(result.text).toBe(same.text)
      if ('red' in set) expect(result.timings.draftTokens).toBe(0)
    }
  })

  test('two engines that share weights have adapters of their own', async () => {
    const one = await load({ ...options, model, lora: { mine: lora.red } })
    const other = await loaded({ ...options, model, lora: { mine: lora.blue } })
    const both = await loaded({ ...options, model, lora })
    const of = (engine: Engine, name: string) => said(engine, prompts[0] ?? '', { lora: name })
    const [red, blue] = await Promise.all([of(one, 'mine'), of(other, 'mine')])
    expectSame(red, await of(both, 'red'))
    expectSame(blue, await of(both, 'blue'))
    await one.close()
    expectSame(await of(other, 'mine'), blue)
    await expect(
      load({ ...options, model, lora: { mine: lora.red } }).then((engine) => engine.close()),
    ).resolves.toBe(undefined)
  })

  test('with quantized weights, and with one cache for all', async () => {
    const of = { seed: 7, weights: 'q8_0', embedding: 256 } as const
    const file = randomAdapter('q8', () => randomModelContent(of), red)
    const engine = await loaded({
      ...options,
      model: randomModel(of),
      lora: { red: file },
      kvCells: 1024,
    })
    const alone = [await said(engine, 'one two'), await said(engine, 'one two', { lora: 'red' })]
    expect(alone[0]?.text).not.toBe(alone[1]?.text)
    const together = await Promise.all([
      said(engine, 'one two'),
      said(engine, 'one two', { lora: 'red' }),
    ])
    expect(together.map(({ text }) => text)).toEqual(alone.map(({ text }) => text))
  })

  test('decisions are made with them', async () => {
    const engine = await loaded({ ...options, context: 2048, model, lora })
    const ask = async (given: CompletionOptions['lora']) => {
      const question = { type: 'predicate', instructions: 'Is it so?' } as const
      const { answers } = await engine.decide('a state', [question], { lora: given ?? {} })
      return answers[0].probability
    }
    const whole = await loaded({ ...options, context: 2048, model: merged({ options: red }) })
    const { answers } = await whole.decide('a state', [
      { type: 'predicate', instructions: 'Is it so?' },
    ])
    expect(Math.abs((await ask('red')) - answers[0].probability)).toBeLessThan(tolerance)
    expect(Math.abs((await ask('red')) - (await ask({})))).toBeGreaterThan(tolerance)
  })

  test('their bytes are counted', async () => {
    const plain = await estimate({ ...options, model })
    const adapted = await estimate({ ...options, model, lora })
    const bytes = (of: { placement: { host: { weightsBytes: number } } }) =>
      of.placement.host.weightsBytes
    const files = fs.statSync(lora.red).size + fs.statSync(lora.blue).size
    const more = bytes(adapted) - bytes(plain)
    expect(more).toBeGreaterThan(files * 0.7)
    expect(more).toBeLessThanOrEqual(files)
    const engine = await loaded({ ...options, model, lora })
    const without = await loaded({ ...options, model })
    expect(Math.abs(bytes(engine) - bytes(without) - more)).toBeLessThan(4096)
    expect(engine.settings.lora.map(({ name, scale }) => [name, scale])).toEqual([
      ['red', 1],
      ['blue', 1],
    ])
  })
})
