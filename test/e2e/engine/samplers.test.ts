import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RequestOptions } from '../../../src/api/types.js'
import type { Engine } from '../../../src/engine/engine.js'
import { load } from '../../../src/engine/load.js'
import { randomModel } from '../../support/models/random-model.js'

// Samplers that llama.cpp's own chain does. native/llama/test holds their tokens against it; here
// they reach it, and do what their names say.

let engine: Engine
beforeAll(async () => {
  engine = await load({ model: randomModel({ logitDeviation: 2 }), parallel: 2 })
})
afterAll(() => engine.close())

const text = (options: RequestOptions) =>
  engine
    .complete('Once upon a time', { maxTokens: 24, ignoreEos: true, seed: 5, ...options })
    .text()

test.each<RequestOptions>([
  { typicalP: 0.2 },
  { topNSigma: 0.5 },
  { xtcProbability: 1, xtcThreshold: 0.01 },
  { mirostat: 1, mirostatTau: 1 },
  { mirostat: 2, mirostatTau: 1 },
  { dynatempRange: 0.9 },
])('%j changes the text, and the same seed repeats it', async (options) => {
  const plain = await text({})
  const changed = await text(options)
  expect(changed).not.toBe(plain)
  expect(await text(options)).toBe(changed)
})

test('DRY breaks up what repeats itself, unless its breakers stand in it', async () => {
  const [x = 0] = await engine.tokenize('x')
  const greedy = { temperature: 0, logitBias: { [x]: 50 } }
  const repeated = 'x'.repeat(24)
  expect(await text(greedy)).toBe(repeated)
  expect(await text({ ...greedy, dryMultiplier: 5 })).not.toBe(repeated)
  const withBreaker = { dryMultiplier: 5, drySequenceBreakers: ['x'] }
  expect(await text({ ...greedy, ...withBreaker })).toBe(repeated)
})

test('an order has the samplers that it names, and no others', async () => {
  const greedy = await text({ temperature: 0 })
  expect(await text({ samplers: ['top_k', 'temperature'], topK: 1 })).toBe(greedy)
  expect(await text({ samplers: ['temperature'], topK: 1 })).not.toBe(greedy)
  expect(await text({ samplers: [], topK: 1 })).toBe(greedy)
})

test('a grammar holds beside them', async () => {
  const options = { grammar: 'root ::= [ab]{8}', typicalP: 0.5, xtcProbability: 0.5, mirostat: 0 }
  expect(await text({ ...options, ignoreEos: false })).toMatch(/^[ab]{8}$/)
})

test.each([
  [{ samplers: ['adaptive_p'] }, 'samplers'],
  [{ samplers: 'top_k' }, 'samplers'],
  [{ drySequenceBreakers: [''] }, 'drySequenceBreakers'],
  [{ drySequenceBreakers: ['x'.repeat(41)] }, 'drySequenceBreakers'],
])('%j is refused by its name', (options, option) => {
  const ask = () => engine.complete('a', options as RequestOptions)
  expect(ask).toThrow(
    expect.objectContaining({ option: expect.stringContaining(option) as string }),
  )
})

test('each of several choices has DRY from its own beginning', async () => {
  const [x = 0] = await engine.tokenize('x')
  const dry = { temperature: 0, logitBias: { [x]: 50 }, dryMultiplier: 5 }
  const reply = engine.complete('Once upon a time', {
    maxTokens: 24,
    ignoreEos: true,
    n: 2,
    ...dry,
  })
  const alone = await text(dry)
  expect(alone).not.toBe('x'.repeat(24))
  expect((await reply.done).choices.map((choice) => choice.text)).toEqual([alone, alone])
})

test('requests with the same DRY say what each says alone, one by one and at once', async () => {
  const [x = 0] = await engine.tokenize('x')
  const dry = { temperature: 0, logitBias: { [x]: 50 }, dryMultiplier: 5 }
  const reply = (prompt: string) =>
    engine.complete(prompt, { maxTokens: 24, ignoreEos: true, ...dry }).text()
  const prompts = ['Once upon a time', 'The end of it']
  const alone: string[] = []
  for (const prompt of prompts) {
    // With another DRY before it, so that its own is made for it.
    expect(await text({ ...dry, drySequenceBreakers: ['x'] })).toBe('x'.repeat(24))
    alone.push(await reply(prompt))
  }
  expect(new Set([...alone, 'x'.repeat(24)]).size).toBe(3)
  for (const [i, prompt] of prompts.entries()) expect(await reply(prompt)).toBe(alone[i])
  expect(await Promise.all(prompts.map(reply))).toEqual(alone)
})

test('DRY is prepared in the lane of what takes long', async () => {
  // A busy machine may keep a thread from its work until the others have done theirs, but not at
  // each try. In the lane of what is quick, DRY would never be the last.
  let ends: string[] = []
  const note = (name: string) => () => void ends.push(name)
  for (let attempt = 0; attempt < 20 && ends.join() !== 'plain,long,dry'; attempt++) {
    ends = []
    const long = engine.tokenize('Once upon a time '.repeat(2 ** 17)).then(note('long'))
    await engine.tokenize('a') // the quick lane has passed the long text on
    const dry = text({ dryMultiplier: 5, maxTokens: 1 }).then(note('dry'))
    const plain = text({ maxTokens: 1 }).then(note('plain'))
    await Promise.all([long, dry, plain])
  }
  expect(ends).toEqual(['plain', 'long', 'dry'])
})
