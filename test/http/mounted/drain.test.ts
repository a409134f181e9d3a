import { createServer } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { InvalidOptionError } from '../../../src/api/errors.js'
import { Drain, lastWordsMs } from '../../../src/http/drain.js'
import { requestListener } from '../../support/adapters/adapter.js'
import { eventually } from '../../support/eventually.js'
import { post, RawClient, request } from '../../support/raw-client.js'
import {
  alsoClose,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../../support/serve.js'
import { chunksOf, textOf } from '../../support/sse.js'
import { listen } from './hosts.js'

// A listener's drain is a server's, without the server: that belongs to the app.

closeAfterEach()

const endless = () => ({ tokens: counting() })

async function mounted(how: Parameters<typeof serve>[0] = { pace: 'manual', script: endless }) {
  const { engine, native, log } = await serve(how)
  const listener = requestListener({ engine, onLog: (entry) => log.push(entry) })
  const server = createServer((req, res) => {
    if (req.url === '/mine') res.end("the app's")
    else listener(req, res)
  })
  const url = await listen(server)
  const client = async (options?: { reads?: boolean }) => {
    const raw = await RawClient.connect(Number(new URL(url).port), options)
    alsoClose(async () => void raw.socket.destroy())
    return raw
  }
  return { native, engine, listener, server, url, client, log }
}

test('what runs goes on, what is new is refused, and the app serves its own', async () => {
  const { native, client, listener, url } = await mounted()
  const running = await client()
  running.send(post(chatPath, story({ max_tokens: 10 })))
  await stepUntil(native, () => running.text.includes('"0 "'))
  let isDrained = false
  const drained = listener.drain({ deadlineMs: 60_000 }).then(() => {
    isDrained = true
  })
  const refused = await client()
  refused.send(post(chatPath, story()))
  await refused.seen('"code":"shutting_down"')
  expect(refused.status).toBe(503)
  expect((await fetch(`${url}/health`)).status).toBe(503)
  expect(await (await fetch(`${url}/mine`)).text()).toBe("the app's")
  expect(isDrained).toBe(false)
  await stepUntil(native, () => running.text.includes('[DONE]'))
  await drained
  expect(textOf(running.body)).toBe('0 1 2 3 4 5 6 7 8 9 ')
  expect(await (await fetch(`${url}/mine`)).text()).toBe("the app's")
  expect(native.submitted).toHaveLength(1)
})

test('the connection of what a drain refuses ends with that', async () => {
  const { client, listener } = await mounted()
  await listener.drain()
  for (const one of [request('GET', '/v1/models'), request('GET', '/nowhere')]) {
    const raw = await client()
    raw.send(one)
    await raw.seen('"error"')
    expect(raw.text).toMatch(/^connection: close\r$/im)
  }
})

test('the deadline ends the rest with an error, and the engine can be closed then', async () => {
  const { native, engine, client, listener, log } = await mounted()
  const [streamed, whole] = [await client(), await client()]
  streamed.send(post(chatPath, story()))
  whole.send(post(chatPath, story({ stream: false })))
  await stepUntil(native, () => streamed.text.includes('"0 "') && native.stats().running === 2)
  const long = listener.drain()
  await listener.drain({ deadlineMs: 1 }) // the shorter one counts
  await long
  for (const raw of [streamed, whole]) await raw.seen('shutting_down')
  expect(log.map(({ code }) => code)).toEqual(['shutting_down', 'shutting_down'])
  expect(chunksOf(streamed.body).at(-1)?.error).toMatchObject({ code: 'shutting_down' })
  expect(whole.status).toBe(503)
  expect(native.cancelled).toHaveLength(2)
  await engine.close()
})

test('a reader that takes nothing holds up no drain once its deadline has passed', async () => {
  const script = () => ({ tokens: Array.from({ length: 5000 }, () => 'x'.repeat(20_000)) })
  const { native, client, listener, log } = await mounted({ script })
  const stalled = await client({ reads: false })
  stalled.send(post(chatPath, story()))
  await stepUntil(native, () => native.stats().parked === 1)
  await listener.drain({ deadlineMs: 1 }) // readerStallMs is 60 s
  await eventually(() => log.length === 1)
  expect(log[0]).toMatchObject({ outcome: 'failed', code: 'shutting_down' })
})

test('with nothing under way it is over at once, and stays a drain', async () => {
  const { listener, url, client } = await mounted()
  await listener.drain()
  await listener.drain({ deadlineMs: 0 })
  expect((await fetch(`${url}/health`)).status).toBe(503)
  const raw = await client()
  raw.send(request('GET', '/v1/models'))
  await raw.seen('shutting_down')
})

test('readers are cut off only while some are waited for', async () => {
  vi.useFakeTimers()
  try {
    for (const isOver of [true, false]) {
      const cutOff = vi.fn()
      const end = () => (isOver ? Promise.resolve() : new Promise<void>(() => undefined))
      void new Drain(end, cutOff).run({ deadlineMs: 0 })
      await vi.advanceTimersByTimeAsync(lastWordsMs + 1)
      expect(cutOff).toHaveBeenCalledTimes(isOver ? 0 : 1)
    }
  } finally {
    vi.useRealTimers()
  }
})

describe('what it is called with', () => {
  test.each([
    ['a signal’s name', 'SIGTERM'],
    ['an Event', new Event('abort')],
    ['an app', { close: () => undefined, addHook: () => undefined }],
    ['nothing', undefined],
  ])('may be %s, as a listener or a hook gets it', async (_, given) => {
    const { listener } = await mounted()
    const { drain } = listener
    await drain(given as never)
  })

  test.each([
    ['a misspelt option', { deadline: 5 }, "'deadline'"],
    ['a text', '5s', "'options'"],
    ['a negative time', { deadlineMs: -1 }, "'deadlineMs'"],
  ])('is refused where it is %s, and nothing is stopped', async (_, given, words) => {
    const { listener, url } = await mounted()
    const error = await listener.drain(given as never).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect((error as Error).message).toContain(words)
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })
})
