import { expect, test } from 'vitest'
import { load } from '../../../../src/index.js'
import { eventually } from '../../../support/eventually.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import { randomModel } from '../../../support/models/random-model.js'

/** In which order the replies of these owners end. */
async function orderOf(replies: readonly (readonly [string, Promise<unknown>])[]) {
  const order: string[] = []
  await Promise.all(replies.map(([owner, done]) => done.then(() => order.push(owner))))
  return order
}

/**
 * One place, held by a reply of some 10 seconds: all others wait until it is cancelled. It waits
 * for no reader, as one that is parked for a while gives up its place.
 */
async function heldPlace(owner: string) {
  const roomy = { model: randomModel({ context: 2 ** 16 }), context: 2 ** 16, window: 2 ** 16 }
  const engine = await load({ ...roomy, parallel: 1, queue: 128 })
  const holder = engine.complete('Once upon a time', { owner, ignoreEos: true })
  await eventually(() => engine.stats().running === 1)
  return { engine, holder }
}

test('with 64 requests of one owner waiting, another’s first waits for one place', async () => {
  const { engine, holder } = await heldPlace('a')
  const ask = (owner: string) => {
    const options = { owner, maxTokens: 8, ignoreEos: true }
    return engine.complete(`Once upon a time, said ${owner}`, options)
  }
  const waiting = Array.from({ length: 64 }, () => ask('a'))
  await Promise.all(waiting.map(({ accepted }) => accepted))
  const late = ask('b')
  await late.accepted
  const replies = [...waiting.map((reply) => ['a', reply] as const), ['b', late] as const]
  holder.cancel()
  const order = await orderOf(replies.map(([owner, { done }]) => [owner, done] as const))
  expect(order.indexOf('b')).toBeLessThanOrEqual(1)
  expect(order).toHaveLength(65)
  await engine.close()
})

test('owners take turns until the last one has had all of its own', async () => {
  const { engine, holder } = await heldPlace('x')
  const owners = ['a', 'a', 'a', 'a', 'b', 'b', 'c', '', '']
  const replies = owners.map((owner) => {
    return [owner, engine.complete('Once', { ...(owner ? { owner } : {}), maxTokens: 4 })] as const
  })
  await Promise.all(replies.map(([, { accepted }]) => accepted))
  holder.cancel()
  const order = await orderOf(replies.map(([owner, { done }]) => [owner, done] as const))
  expect(order).toEqual(['a', 'b', 'c', '', 'a', 'b', '', 'a', 'a'])
  await engine.close()
})

test('another’s first waits for one reply of those that come back and go on', async () => {
  const size = { model: randomModel({ context: 2 ** 16 }), context: 2 ** 16 }
  const engine = await load({ ...size, parallel: 1, queue: 128, window: 32 })
  const unread = Array.from({ length: 8 }, (_, i) => {
    return engine.complete(`Once upon a time, ${i}`, { owner: 'a', maxTokens: 64, ignoreEos: true })
  })
  await eventually(() => engine.stats().parked === unread.length)
  const holder = engine.complete('Once upon a time', { owner: 'x', ignoreEos: true })
  const held = holder.text()
  await eventually(() => engine.stats().running === 1)
  const late = engine.complete('Once upon a time, said b', { owner: 'b', maxTokens: 4 })
  await late.accepted
  const read = unread.map((reply) => ['a', reply.text()] as const)
  await eventually(() => engine.stats().parked === 0)
  holder.cancel()
  const order = await orderOf([...read, ['b', late.done]])
  await held
  expect(order.indexOf('b')).toBeLessThanOrEqual(1)
  expect(order).toHaveLength(9)
  await engine.close()
})

const sentence = 'Once upon a time there was a fox. '

test.each([
  ['inputs share batches', {}, Array(16).fill(sentence.repeat(8))],
  // Some 400 tokens of 512: who is done leaves after each, and takes far longer than to prepare it.
  ['each input fills a batch', { layers: 4, embedding: 192 }, [sentence.repeat(40)]],
])('an engine that embeds has owners take turns too, where %s', async (_, size, inputs) => {
  const engine = await load({ model: encoderModel({ ...size, seed: 2 }), queue: 128 })
  const embed = (owner: string) => engine.embed(inputs, { owner })
  const many = Array.from({ length: 64 }, () => embed('a'))
  const order = await orderOf([
    ...many.map((done) => ['a', done] as const),
    ['b', embed('b')] as const,
  ])
  expect(order.indexOf('b')).toBeLessThan(32)
  await engine.close()
})
