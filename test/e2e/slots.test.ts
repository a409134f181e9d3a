import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Engine, load } from '../../src/index.js'
import { eventually } from '../support/eventually.js'

let engine: Engine

beforeAll(async () => {
  engine = await load({ parallel: 3, window: 8, cacheMiB: 0 })
})

afterAll(() => engine.close())

const ended = () => eventually(() => engine.stats().slots.every((slot) => slot === null))

test('a reply that nobody reads is in its slot, with its counts, and parked', async () => {
  expect(engine.stats().slots).toEqual([null, null, null])
  const prompt = 'Once upon a time there was a fox who lived by a river.'
  const reply = engine.complete(prompt, { maxTokens: 200, ignoreEos: true })
  const { promptTokens } = await reply.accepted
  await eventually(() => engine.stats().parked === 1)
  const [slot, ...others] = engine.stats().slots.filter((one) => one !== null)
  expect(others).toEqual([])
  expect(slot).toMatchObject({ phase: 'parked', promptTokens, cachedTokens: 0 })
  expect(slot?.completionTokens).toBeGreaterThanOrEqual(8)
  expect(slot?.computedTokens).toBeGreaterThanOrEqual(promptTokens + 7)
  reply.cancel()
  await ended()
})

test('a slot tells what of its prompt was cached, and the number of its request', async () => {
  const prompt = 'Once upon a time there was a whale who lived in the sea, far from all others.'
  const first = engine.complete(prompt, { maxTokens: 1 })
  await first.done
  const replies = [0, 1].map(() => engine.complete(prompt, { maxTokens: 200, ignoreEos: true }))
  await eventually(() => engine.stats().parked === 2)
  const slots = engine.stats().slots.filter((slot) => slot !== null)
  expect(new Set(slots.map(({ request }) => request)).size).toBe(2)
  for (const { cachedTokens, promptTokens } of slots) expect(cachedTokens).toBe(promptTokens - 1)
  for (const reply of replies) reply.cancel()
  await ended()
})

test('a slot is in prefill while its prompt is computed, and then in decode', async () => {
  const seen: { phase: string; computed: number }[] = []
  const look = setInterval(() => {
    for (const slot of engine.stats().slots) {
      if (slot !== null) seen.push({ phase: slot.phase, computed: slot.computedTokens })
    }
  }, 0)
  const text = Array.from({ length: 150 }, (_, i) => `${i} times`).join(' ')
  const others = engine.complete('The sun', { maxTokens: 300, ignoreEos: true })
  const reading = others.text()
  await eventually(() => engine.stats().tokensGenerated > 0)
  const isSeen = (name: string) => seen.some(({ phase }) => phase === name)
  let asked = 0
  // Each is short, and on a busy machine nobody may look while it lasts.
  await eventually(async () => {
    await engine.complete(`${asked++} ${text}`, { maxTokens: 8, ignoreEos: true }).text()
    return isSeen('prefill') && isSeen('decode')
  }, 'a phase was never seen')
  clearInterval(look)
  others.cancel()
  await reading
  await ended()
})
