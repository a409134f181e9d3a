import { describe, expect, test } from 'vitest'
import { type ListenerOptions, requestListener } from '../../../src/http/index.js'
import { eventually } from '../../support/eventually.js'
import { post, RawClient } from '../../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../../support/serve.js'
import { textOf } from '../../support/sse.js'
import { type Host, hosts } from './hosts.js'

// A listener in each framework, without and with a prefix, and behind what reads bodies.

closeAfterEach()

async function mount({ prefix, start }: Host, how: Parameters<typeof serve>[0] = {}) {
  const { engine, native, log } = await serve(how)
  const onLog: ListenerOptions['onLog'] = (entry) => log.push(entry)
  const own = prefix === undefined ? {} : { prefix }
  const listener = requestListener({ engine, onLog, ...own })
  const url = await start(listener)
  const client = async () => {
    const raw = await RawClient.connect(Number(new URL(url).port))
    alsoClose(async () => void raw.socket.destroy())
    return raw
  }
  return { url, native, log, listener, client }
}

const manual = { pace: 'manual', script: () => ({ tokens: counting() }) } as const

describe.each(hosts)('$name', (host) => {
  test('a body is answered, also one that was read before', async () => {
    const { url, native } = await mount(host)
    for (const text of [story({ stream: false }), story({ stream: false, user: 'Grüße 🦊' })]) {
      const response = await chat(url + host.path, text, { signal: AbortSignal.timeout(60_000) })
      expect(await response.json()).toMatchObject({
        choices: [{ message: { content: 'Once upon a time.' } }],
      })
    }
    expect(native.submitted).toHaveLength(2)
  })

  test('a stream arrives chunk by chunk, and whole', async () => {
    const { native, client } = await mount(host, manual)
    const raw = await client()
    const headers = { 'accept-encoding': 'gzip, br' }
    raw.send(post(host.path + chatPath, story({ max_tokens: 9 }), headers))
    for (let i = 0; i < 8; i++) {
      await stepUntil(native, () => native.stats().tokensGenerated === i + 1)
      await raw.seen(`"${i} "`) // and there is no other token yet
    }
    await stepUntil(native, () => raw.text.includes('[DONE]'))
    expect(textOf(raw.body)).toBe('0 1 2 3 4 5 6 7 8 ')
    expect(raw.text).toMatch(/^content-type: text\/event-stream/im)
    expect(raw.text).not.toMatch(/^content-encoding:/im)
  })

  test('a client that hangs up is gone from the engine', async () => {
    const { native, client, log } = await mount(host, manual)
    const raw = await client()
    raw.send(post(host.path + chatPath, story()))
    await stepUntil(native, () => raw.text.includes('"1 "'))
    raw.socket.destroy()
    await eventually(() => native.cancelled.length === 1, 'the engine was not told')
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ route: chatPath, outcome: 'gone', status: 200 })
    await stepUntil(native, () => native.stats().running === 0)
  })

  test('a drain lets what runs end, and refuses what is new', async () => {
    const { url, native, client, listener } = await mount(host, manual)
    const raw = await client()
    raw.send(post(host.path + chatPath, story({ max_tokens: 5 })))
    await stepUntil(native, () => raw.text.includes('"1 "'))
    const drained = listener.drain()
    const refused = await chat(url + host.path, story({ stream: false }))
    expect([refused.status, await refused.text()]).toEqual([
      503,
      expect.stringContaining('shutting_down'),
    ])
    await stepUntil(native, () => raw.text.includes('[DONE]'))
    await drained
  })
})
