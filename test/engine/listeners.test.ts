import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SluiceError } from '../../src/api/errors.js'
import { openAi } from '../../src/apis/openai/api.js'
import type { Engine } from '../../src/engine/engine.js'
import {
  type ClientListener,
  EngineClient,
  type RequestListener,
} from '../../src/engine/engine-client.js'
import { forgetOpen, rememberOpen } from '../../src/engine/open-engines.js'
import { joinConnection } from '../../src/http/node/connection.js'
import { Call, type Incoming } from '../../src/web/call.js'
import { settle } from '../support/eventually.js'
import { FakeAddon } from '../support/fake-binding.js'

// Where several are called in a row, an exception of one is surfaced and keeps nobody from theirs.

let caught: unknown[] = []
let others: NodeJS.UncaughtExceptionListener[] = []
beforeEach(() => {
  caught = []
  others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => caught.push(error))
})
afterEach(() => {
  process.removeAllListeners('uncaughtException')
  for (const listener of others) process.on('uncaughtException', listener)
})

const silent: ClientListener = {
  onProgress: () => undefined,
  onReady: () => undefined,
  onEstimated: () => undefined,
  onLoadFailed: () => undefined,
  onClosed: () => undefined,
}

function replyListener(more: Partial<RequestListener> = {}): RequestListener {
  return {
    onAccepted: vi.fn(),
    onText: vi.fn(),
    onPart: vi.fn(),
    onFinished: vi.fn(),
    onError: vi.fn(),
    ...more,
  }
}

const thrower = (name: string) => () => {
  throw new Error(name)
}

const request = { choices: 1, prompt: 'a b', seed: 1, maxTokens: 4, adapters: [] } as never

function client(listener: Partial<ClientListener> = {}) {
  const addon = new FakeAddon({ pace: 'manual' })
  const limits = { parallel: 8, queue: 8, window: 64, queueDeadlineMs: 60_000 }
  const open = (wake: () => void) => new addon.Engine(limits as never, wake)
  const one = new EngineClient(open, limits, { ...silent, ...listener })
  return { one, native: addon.engine }
}

describe('an engine’s client', () => {
  test('tells all replies, though one throws at each of its events', async () => {
    const { one, native } = client()
    await settle()
    const bad = replyListener({
      onAccepted: thrower('accepted'),
      onText: thrower('text'),
      onFinished: thrower('finished'),
    })
    const good = replyListener()
    one.submit(request, () => bad)
    one.submit(request, () => good)
    // No turn of the event loop in between: all events come in one batch.
    native.step(8)
    await settle()
    expect(good.onAccepted).toHaveBeenCalledTimes(1)
    expect(good.onText).toHaveBeenCalled()
    expect(good.onFinished).toHaveBeenCalledTimes(1)
    expect(caught.map((error) => (error as Error).message)).toEqual(
      expect.arrayContaining(['accepted', 'text', 'finished']),
    )
    one.close()
    await settle()
  })

  test('tells all replies and its owner of its end', async () => {
    const onClosed = vi.fn()
    const { one, native } = client({ onClosed })
    await settle()
    const good = replyListener()
    one.submit(request, () => replyListener({ onError: thrower('end') }))
    one.submit(request, () => good)
    native.isFrozen = true
    one.close()
    await settle()
    expect(good.onError).toHaveBeenCalledTimes(1)
    const [error] = vi.mocked(good.onError).mock.calls[0] as [SluiceError]
    expect(error.code).toBe('ERR_CLOSED')
    expect(onClosed).toHaveBeenCalledTimes(1)
    expect(caught).toHaveLength(1)
  })

  test('goes on where its owner throws at progress', async () => {
    const { one, native } = client({ onProgress: thrower('progress') })
    native.progress(0.5)
    const good = replyListener()
    one.submit(request, () => good)
    await settle()
    native.step(8)
    await settle()
    expect(good.onFinished).toHaveBeenCalledTimes(1)
    expect(caught).toMatchObject([{ message: 'progress' }])
    one.close()
    await settle()
  })
})

test('every engine is ended at the exit of the process, though one throws', () => {
  const others = process.listeners('exit')
  const engines = [0, 1, 2].map((i) => ({
    close: vi.fn(),
    terminate: vi.fn(i === 0 ? thrower('terminate') : () => undefined),
  }))
  for (const engine of engines) rememberOpen(engine)
  const first = process.listeners('exit')[0]
  expect(others).not.toContain(first) // ours comes before those that were there
  expect(() => first?.call(process, 0)).toThrow('terminate')
  for (const engine of engines) expect(engine.terminate).toHaveBeenCalledTimes(1)
  for (const engine of engines) forgetOpen(engine)
})

test('every exchange on a connection is told of its end, though one throws', async () => {
  const { EventEmitter } = await import('node:events')
  const socket = new EventEmitter() as never
  const closed = [vi.fn(thrower('closed')), vi.fn()]
  for (const one of closed) {
    const passenger = { req: { socket } as never, res: {} as never, closed: one, abort: vi.fn() }
    joinConnection(passenger, 60_000)
  }
  ;(socket as InstanceType<typeof EventEmitter>).emit('close')
  await settle()
  for (const one of closed) expect(one).toHaveBeenCalled()
  expect(caught).toMatchObject([{ message: 'closed' }])
})

test('models of one call are all released, though one release throws', async () => {
  const incoming: Incoming = {
    method: 'POST',
    target: { path: '/v1/chat/completions', host: undefined },
    headers: {},
    hosts: [],
    localAddress: undefined,
    remoteAddress: undefined,
    isExpectingMore: false,
    originInFront: undefined,
    readBody: () => Promise.resolve(new Uint8Array()),
  }
  const call = new Call(incoming, openAi.errorWords)
  const released: string[] = []
  const model = { names: ['fox'] as const, engine: {} as Engine }
  call.use(model, () => {
    throw new Error('in release')
  })
  call.use(model, () => void released.push('second'))
  call.end()
  expect(released).toEqual([]) // its tokens may not be counted yet
  call.release()
  call.release()
  await settle()
  expect(released).toEqual(['second'])
  expect(caught).toEqual([new Error('in release')])
})
