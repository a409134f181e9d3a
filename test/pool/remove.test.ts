import { expect, test } from 'vitest'
import { poolOf } from '../support/pool/fake-pool.js'

// A model that is taken away is not loaded any more, and nothing of it is left in the pool.

const settle = () => new Promise((resolve) => setImmediate(resolve))

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: Error & { code?: string }) => error.code ?? error.message,
  )

test('a model that is taken away while it is unloaded is not loaded for who waits', async () => {
  const { pool, source, events } = poolOf({ a: 50 })
  const { release } = await pool.use('a')
  const unloaded = pool.unload('a')
  const waits = outcome(pool.use('a')) // for its next load, once this one has ended
  const removed = pool.remove('a')
  release()
  await Promise.all([unloaded, removed])
  expect(await waits).toBe('ERR_CLOSED')
  await settle()
  expect(source('a').loads).toHaveLength(1)
  expect(events).toEqual(['loading a', 'loaded a', 'unloaded a asked'])
  await pool.close()
})

test('a load under way ends with the model, and who waits for it is told', async () => {
  const { pool, source } = poolOf({ a: 50 })
  source('a').isAuto = false
  const waits = outcome(pool.use('a'))
  await settle()
  const removed = pool.remove('a')
  await removed
  expect(await waits).toBe('ERR_CLOSED')
  await settle()
  expect(pool.list()).toEqual([])
  expect(pool.bytes).toBe(0)
  await pool.close()
})
