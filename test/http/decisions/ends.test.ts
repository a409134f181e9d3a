import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import type { FakeEngine } from '../../support/fake-binding.js'
import {
  closeAfterEach,
  postJson,
  type ServeOptions,
  serve,
  stepUntil,
} from '../../support/serve.js'

// How a decision ends that does not come to its answers: by the engine, by the server's drain, by a
// full queue. Over both endpoints, each with its own error.

closeAfterEach()

const questions = Array.from({ length: 20 }, (_, i) => `Question ${i}?`)
const ofOpenAi = questions.map((instructions) => {
  return { type: 'score', instructions, levels: [{ label: 'low' }, { label: 'high' }] }
})
const ofTypeSafe = questions.map((instructions, i) => {
  return [`q${i}`, { type: 'score', instructions, criteria: ['low', 'high'] }] as const
})
const wires = {
  '/v1/decisions': { input: 'a', orders: 1, questions: ofOpenAi },
  '/v1/systemone': { state: 'a', orders: 1, questions: Object.fromEntries(ofTypeSafe) },
}
const paths = Object.keys(wires) as (keyof typeof wires)[]
const ask = (url: string, path: keyof typeof wires) => postJson(url, path, wires[path])

async function messageOf(response: Response): Promise<string> {
  const body = (await response.json()) as { error?: { message: string }; detail?: string }
  return body.error?.message ?? body.detail ?? ''
}

/** An answer for which the engine goes on. */
async function stepped(native: FakeEngine, answer: Promise<Response>): Promise<Response> {
  let isThere = false
  void answer.finally(() => {
    isThere = true
  })
  await stepUntil(native, () => isThere)
  return answer
}

async function halfDone(path: keyof typeof wires, options: ServeOptions = {}) {
  const served = await serve({ pace: 'manual', engine: { parallel: 2 }, ...options })
  const answer = ask(served.url, path)
  await stepUntil(served.native, () => served.native.submitted.length > 8)
  return { ...served, answer }
}

describe.each(paths)('%s', (path) => {
  test('is a 503 where the engine ends by itself in the middle', async () => {
    const { answer, native, log } = await halfDone(path)
    native.die()
    const response = await answer
    expect(response.status).toBe(503)
    expect(await messageOf(response)).toContain('the engine ended by itself')
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'failed', code: 'engine_ended' })
  })

  test('is a 503 where the engine stands still in the middle', async () => {
    const { answer, native } = await halfDone(path, { server: { engineStallMs: 40 } })
    native.isFrozen = true
    const response = await answer
    expect(response.status).toBe(503)
    // What is in flight is cancelled, and nothing further is asked.
    const { length } = native.submitted
    native.isFrozen = false
    await stepUntil(native, () => native.stats().queued + native.stats().running === 0)
    expect(native.submitted).toHaveLength(length)
    expect(native.cancelled.length).toBeGreaterThan(0)
  })

  test('is answered by a server that drains meanwhile, which takes no other', async () => {
    const { answer, native, server, url } = await halfDone(path)
    const drained = server.drain({ deadlineMs: 60_000 })
    const late = await ask(url, path).catch(() => undefined) // or nobody listens any more
    expect(late?.status ?? 503).toBe(503)
    expect((await stepped(native, answer)).status).toBe(200)
    expect(native.submitted).toHaveLength(20)
    await drained
  })

  test('is a 503 where a drain has no more time for it', async () => {
    const { answer, native, server } = await halfDone(path)
    const { length } = native.submitted
    await server.drain({ deadlineMs: 1 })
    expect((await answer).status).toBe(503)
    expect(native.cancelled.length).toBeGreaterThan(0)
    expect(native.submitted).toHaveLength(length)
  })

  test('waits for its own places where others fill the queue, and is answered', async () => {
    const served = await serve({ pace: 'manual', engine: { parallel: 2, queue: 2 } })
    const { native, url } = served
    const answer = ask(url, path)
    await eventually(() => native.submitted.length === 3)
    const story = { model: 'default', prompt: 'a', max_tokens: 1 }
    const other = postJson(url, '/v1/completions', story)
    await eventually(() => native.submitted.length === 4)
    expect((await postJson(url, '/v1/completions', story)).status).toBe(429)
    expect((await stepped(native, answer)).status).toBe(200)
    expect((await other).status).toBe(200)
    expect(native.submitted).toHaveLength(21)
  })
})
