import { afterEach, describe, expect, test } from 'vitest'
import type { RequestListener } from '../../src/engine/engine-client.js'
import { type ClientListener, EngineClient } from '../../src/engine/engine-client.js'
import { overChannel } from '../support/channel-port.js'
import { settle } from '../support/eventually.js'
import {
  FakeAddon,
  type FakeEngine,
  type FakeFailure,
  type Script,
} from '../support/fake-binding.js'

// Who is let in, until when a request counts, and how its end is counted.

const silent: ClientListener = {
  onProgress: () => undefined,
  onReady: () => undefined,
  onEstimated: () => undefined,
  onLoadFailed: () => undefined,
  onClosed: () => undefined,
}
const endless = function* () {
  for (let i = 0; ; i++) yield `${i} `
}
const failure: FakeFailure = { code: 'ERR_ENGINE_FAILED', message: 'no more' }
const full = 'the queue is full'

let opened: EngineClient | undefined
afterEach(async () => {
  opened?.close()
  await settle()
})

/** Of two slots and a queue of one, unless said otherwise. */
async function open(limits: { parallel?: number; queue?: number } = {}, script?: Script) {
  const embedding = { size: 2, pooling: 'mean' as const }
  const scripted = script === undefined ? {} : { script: () => script }
  const addon = new FakeAddon({ pace: 'manual', embedding, ...scripted })
  const all = { parallel: 2, queue: 1, window: 8, queueDeadlineMs: 60_000, ...limits }
  const make = (wake: () => void) => new addon.Engine({ ...all, context: 64 } as never, wake)
  const client = new EngineClient(make, all, silent)
  opened = client
  await settle()
  return { client, native: addon.engine }
}

/** Asks for a reply; what it hears is in the order in which it heard it. */
function ask(client: EngineClient, choices = 1, heard: string[] = []): number {
  const listener: RequestListener = {
    onFinished: ({ finishReason }) => void heard.push(finishReason),
    onError: ({ code }) => void heard.push(code),
  }
  const request = { choices, prompt: 'a b', seed: 1, maxTokens: -1, adapters: [] }
  return client.submit(request as never, () => listener)
}

async function step(native: FakeEngine, turns = 1): Promise<void> {
  await settle()
  native.step(turns)
  await settle()
}

describe('admission', () => {
  test('refuses one more than parallel and queue, and does not count it', async () => {
    const { client, native } = await open()
    for (let i = 0; i < 3; i++) ask(client)
    expect(() => ask(client)).toThrow(full)
    await settle()
    expect(client.stats()).toMatchObject({ started: 3, queued: 3 })
    expect(native.submitted).toHaveLength(3)
  })

  test('takes the choices of a reply together or not at all', async () => {
    const { client } = await open()
    ask(client)
    expect(() => ask(client, 3)).toThrow(full)
    expect(client.stats().started).toBe(1)
    expect(ask(client, 2)).toBe(2)
    expect(client.stats().started).toBe(3)
  })

  test('counts requests that embed as well', async () => {
    const { client } = await open()
    ask(client, 2)
    client.embed({ inputs: ['a'], owner: '' }, { onError: () => undefined })
    expect(() => client.embed({ inputs: ['b'], owner: '' }, { onError: () => undefined })).toThrow(
      full,
    )
  })
})

describe('a request counts', () => {
  const limits = { parallel: 1, queue: 0 }

  test('until its end is heard: whoever is told of it may ask again at once', async () => {
    const { client, native } = await open(limits, { tokens: ['a'] })
    const again: string[] = []
    const listener = { onError: () => undefined, onFinished: () => void ask(client, 1, again) }
    client.submit({ choices: 1, prompt: 'a', adapters: [] } as never, () => listener)
    await step(native, 2)
    expect(() => ask(client)).toThrow(full)
    await step(native, 2)
    expect(client.stats()).toMatchObject({ started: 2, finished: 1, queued: 1 })
  })

  test('until it is cancelled, though the engine drops it later', async () => {
    const { client, native } = await open(limits, { tokens: endless() })
    const first = ask(client)
    await step(native, 3)
    client.cancel(first)
    const second = ask(client)
    expect(() => ask(client)).toThrow(full)
    expect(client.stats()).toMatchObject({ started: 2, cancelled: 0 })
    await step(native)
    expect(client.stats()).toMatchObject({ started: 2, cancelled: 1 })
    expect(() => ask(client)).toThrow(full)
    client.cancel(second)
    await step(native)
    expect(client.stats()).toMatchObject({ cancelled: 2, queued: 0, running: 0 })
  })

  test('until it is cancelled, an embedding too', async () => {
    const { client, native } = await open(limits)
    client.cancel(client.embed({ inputs: ['a'], owner: '' }, { onError: () => undefined }))
    const heard: unknown[] = []
    const onEmbedded = (values: Float32Array) => void heard.push(values.length)
    client.embed({ inputs: ['b'], owner: '' }, { onEmbedded, onError: () => undefined })
    await step(native)
    expect(heard).toEqual([2])
    expect(client.stats()).toMatchObject({ started: 2, cancelled: 1, finished: 1 })
  })

  test('requests that left count again once as many leave as may be in flight', async () => {
    const { client, native } = await open({ parallel: 2, queue: 1 })
    native.isFrozen = true
    for (let i = 0; i < 3; i++) client.cancel(ask(client))
    const heard: string[] = []
    ask(client, 3, heard)
    client.cancel(4)
    expect(() => ask(client)).toThrow(full)
    native.isFrozen = false
    await step(native)
    expect(heard).toEqual(['cancelled'])
    ask(client)
  })
})

describe('how it ended', () => {
  /** Each of them ends otherwise, and is cancelled before that is heard. */
  const ends: Record<string, Script> = {
    'with its last token': { tokens: ['a'] },
    'with a failure': { tokens: ['a'], end: failure },
    'with a refusal': { tokens: [], refuse: failure },
  }

  test.each(Object.entries(ends))('%s is cancelled if that came first', async (_, script) => {
    const { client, native } = await open({}, script)
    const heard: string[] = []
    const id = ask(client, 1, heard)
    await settle()
    native.step(4)
    client.cancel(id)
    await settle()
    expect(heard).toEqual(['cancelled'])
    expect(client.stats()).toMatchObject({ finished: 0, failed: 0, cancelled: 1, queued: 0 })
  })

  test('with vectors is cancelled if that came first', async () => {
    const { client, native } = await open()
    const heard: string[] = []
    const id = client.embed(
      { inputs: ['a'], owner: '' },
      {
        onEmbedded: () => void heard.push('embedded'),
        onFinished: ({ finishReason }) => void heard.push(finishReason),
        onError: ({ code }) => void heard.push(code),
      },
    )
    await settle()
    native.step()
    client.cancel(id)
    await settle()
    expect(heard).toEqual(['cancelled'])
    expect(client.stats()).toMatchObject({ finished: 0, cancelled: 1, cancelledPrefill: 1 })
  })

  test('is not changed by a cancel that comes after it was heard', async () => {
    const { client, native } = await open({}, { tokens: ['a'] })
    const heard: string[] = []
    const id = ask(client, 1, heard)
    await step(native, 4)
    client.cancel(id)
    client.cancel(99)
    await step(native)
    expect(heard).toEqual(['stop'])
    expect(client.stats()).toMatchObject({ finished: 1, cancelled: 0 })
    expect(native.cancelled).toEqual([])
  })

  test('is counted by how far it had come, of the cancelled', async () => {
    const { client, native } = await open({ queue: 9 }, { tokens: endless(), prefillSteps: 3 })
    const parked = ask(client)
    await step(native, 20)
    const decoding = ask(client)
    await step(native, 5)
    const queued = ask(client)
    await step(native)
    for (const id of [parked, decoding, queued]) client.cancel(id)
    await step(native)
    const prefilling = ask(client)
    await step(native, 2)
    client.cancel(prefilling)
    await step(native)
    expect(client.stats()).toMatchObject({
      cancelled: 4,
      cancelledParked: 1,
      cancelledDecode: 1,
      cancelledQueued: 1,
      cancelledPrefill: 1,
    })
  })

  test('is counted once: in the end as many ended as were started', async () => {
    const { client, native } = await open({ parallel: 30 }, { tokens: ['a', 'b', 'c'] })
    const ids = Array.from({ length: 30 }, () => ask(client))
    await step(native)
    for (const id of ids) {
      if (id % 3 === 0) client.cancel(id)
      if (id % 3 === 1) native.fail(id, failure)
    }
    await step(native, 9)
    const { started, finished, cancelled, failed, queued } = client.stats()
    expect({ started, finished, cancelled, failed, queued }).toEqual({
      started: 30,
      finished: 10,
      cancelled: 10,
      failed: 10,
      queued: 0,
    })
  })

  test('is a failure, or cancelled, of those that the engine left without an end', async () => {
    const { client, native } = await open()
    const heard: string[] = []
    ask(client, 1, heard)
    const left = ask(client, 1, heard)
    await settle()
    native.isFrozen = true
    client.cancel(left)
    client.close()
    await settle()
    expect(heard).toEqual(['ERR_CLOSED', 'cancelled'])
    expect(client.stats()).toMatchObject({ started: 2, failed: 1, cancelled: 1, queued: 0 })
  })
})

test('those that have no slot are queued', async () => {
  const { client, native } = await open({ parallel: 1, queue: 4 }, { tokens: ['a'] })
  for (let i = 0; i < 3; i++) ask(client)
  await step(native, 2)
  expect(client.stats()).toMatchObject({ queued: 2, running: 1 })
  await step(native, 2)
  expect(client.stats()).toMatchObject({ queued: 1, running: 1, finished: 1 })
})

test('a cancelled reply keeps the process alive until its end, whatever still comes', async () => {
  const { client, native } = await open({}, { tokens: endless() })
  const heard: string[] = []
  const id = ask(client, 1, heard)
  await settle()
  native.step(20) // a window of tokens, which are not drained yet
  client.cancel(id)
  native.isFrozen = true
  await settle()
  expect(native.isReferenced).toBe(true)
  native.isFrozen = false
  await step(native)
  expect(heard).toEqual(['cancelled'])
  expect(native.isReferenced).toBe(false)
})

/** Over a channel the fake is not what throws. */
const isOverChannel = FakeAddon.portOf === overChannel

test.skipIf(isOverChannel)('a post() that throws takes its ids with it', async () => {
  const { client, native } = await open()
  const post = native.post.bind(native)
  native.post = (command) => {
    native.post = post
    post(command) // its events come, and memory runs out behind it
    throw new Error('no memory')
  }
  const heard: string[] = []
  expect(() => ask(client, 2, heard)).toThrow('no memory')
  ask(client, 1, heard)
  native.fail(1, failure) // the first of the ids that were lost
  await settle()
  expect(heard).toEqual([])
  expect(client.stats()).toMatchObject({ started: 1, failed: 0 })
})

test.skipIf(isOverChannel)(
  'what a credit() that throws was to say is said by the next one',
  async () => {
    const { client, native } = await open({}, { tokens: endless() })
    const id = ask(client)
    await settle()
    await step(native, 20) // a window of 8 tokens
    expect(native.isReferenced).toBe(false) // parked
    const credit = native.credit.bind(native)
    native.credit = () => {
      native.credit = credit
      throw new Error('no memory')
    }
    expect(() => client.credit(id, 4)).toThrow('no memory')
    expect(native.isReferenced).toBe(false)
    client.credit(id, 4)
    expect(native.isReferenced).toBe(true)
    await step(native, 20)
    expect(native.isReferenced).toBe(false) // 8 tokens more have come: parked again
  },
)
