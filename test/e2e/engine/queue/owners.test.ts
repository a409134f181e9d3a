import { expect, test } from 'vitest'
import { load } from '../../../../src/index.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import { randomModel } from '../../../support/models/random-model.js'

/** In which order the replies of these owners end. */
async function orderOf(replies: readonly (readonly [string, Promise<unknown>])[]) {
  const order: string[] = []
  await Promise.all(replies.map(([owner, done]) => done.then(() => order.push(owner))))
  return order
}

test('with 64 requests of one owner waiting, another’s first waits for one place', async () => {
  const engine = await load({ model: randomModel(), parallel: 1, queue: 128 })
  const ask = (owner: string) => {
    const options = { owner, maxTokens: 8, ignoreEos: true }
    return engine.complete(`Once upon a time, said ${owner}`, options)
  }
  const running = ask('a')
  const waiting = Array.from({ length: 64 }, () => ask('a'))
  await Promise.all([running, ...waiting].map(({ accepted }) => accepted))
  const before = engine.stats().finished
  const replies = [running, ...waiting].map(({ done }) => ['a', done] as const)
  const late = ask('b')
  const order = await orderOf([...replies, ['b', late.done] as const])
  // Those that ended before it came, the one that ran, and one place.
  expect(order.indexOf('b')).toBeLessThanOrEqual(before + 2)
  expect(order).toHaveLength(66)
  await engine.close()
})

test('owners take turns until the last one has had all of its own', async () => {
  const engine = await load({ model: randomModel(), parallel: 1, queue: 128 })
  const ask = (owner: string, maxTokens: number) => {
    return engine.complete('Once upon a time', { owner, maxTokens, ignoreEos: true })
  }
  const first = ask('x', 400) // until all others are in the line
  const owners = ['a', 'a', 'a', 'a', 'b', 'b', 'c', '', '']
  const others = owners.map((owner) => {
    return [owner, engine.complete('Once', { ...(owner ? { owner } : {}), maxTokens: 4 })] as const
  })
  await Promise.all(others.map(([, { accepted }]) => accepted))
  expect(engine.stats().finished).toBe(0)
  const order = await orderOf([
    ['x', first.done],
    ...others.map(([owner, { done }]) => [owner, done] as const),
  ])
  expect(order).toEqual(['x', 'a', 'b', 'c', '', 'a', 'b', '', 'a', 'a'])
  await engine.close()
})

test('an engine that embeds has owners take turns too', async () => {
  const engine = await load({ model: encoderModel(), queue: 128 })
  const text = 'Once upon a time there was a fox. '.repeat(8)
  const embed = (owner: string) => engine.embed(Array(16).fill(text), { owner })
  const many = Array.from({ length: 64 }, () => embed('a'))
  const order = await orderOf([
    ...many.map((done) => ['a', done] as const),
    ['b', embed('b')] as const,
  ])
  expect(order.indexOf('b')).toBeLessThan(32)
  await engine.close()
})
