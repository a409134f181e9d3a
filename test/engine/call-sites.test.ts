import { once } from 'node:events'
import { createServer as createTcpServer } from 'node:net'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { createServer } from '../../src/http/index.js'
import { CompiledSchema, type Engine, estimate, load, type Reply } from '../../src/index.js'
import { settle } from '../support/eventually.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'

// An error that a caller gets has a line of the caller's file in its stack, also where it is made
// later, for an event of the engine.

const ask = [{ role: 'user' as const, content: 'x' }]
const refuse = { code: 'ERR_INVALID_REQUEST', message: 'no' } as const
const failing: FakeOptions = { script: () => ({ tokens: [], refuse }) }

let engine: Engine | undefined
afterEach(async () => {
  await engine?.close()
  engine = undefined
  useBinding(undefined)
})

async function open(options: FakeOptions = {}, window = 8) {
  const addon = new FakeAddon(options)
  useBinding(addon)
  engine = await load({ model: 'fake.gguf', window })
  return { addon, engine }
}

/** Awaited in a later turn, when nothing of this file runs. */
async function stackOf(promise: PromiseLike<unknown>): Promise<string> {
  const settled = Promise.allSettled([promise])
  await settle()
  const [result] = await settled
  if (result?.status !== 'rejected') throw new Error('nothing was rejected')
  return (result.reason as Error).stack ?? ''
}

const own = path.basename(import.meta.filename)

test('of load() and estimate(), as the engine says it', async () => {
  const addon = new FakeAddon({ load: 'held' })
  useBinding(addon)
  for (const act of [() => load({ model: 'a' }), () => estimate('a')]) {
    const stack = stackOf(act())
    await settle()
    addon.engine.failLoad({ code: 'ERR_MODEL_NOT_FOUND', message: 'none' })
    expect(await stack).toContain(own)
  }
})

test('of load() and estimate(), before there is an engine', async () => {
  await open()
  const signal = AbortSignal.abort()
  expect(await stackOf(load({ model: 5 } as never))).toContain(own)
  expect(await stackOf(load({ signal }))).toContain(own)
  expect(await stackOf(estimate('a', { signal }))).toContain(own)
})

/** What waits for the engine, by its name. */
const waits: Record<string, (engine: Engine) => PromiseLike<unknown>> = {
  'chat, text()': (engine) => engine.chat(ask).text(),
  'chat, texts()': (engine) => engine.chat(ask).texts(),
  'chat, object()': (engine) => engine.chat(ask).object(),
  'chat, done': (engine) => engine.chat(ask).done,
  'chat, accepted': (engine) => engine.chat(ask).accepted,
  'chat, its iterator': (engine) => engine.chat(ask)[Symbol.asyncIterator]().next(),
  'chat, toWeb()': (engine) => engine.chat(ask).toWeb().getReader().read(),
  'chat, toTextStream()': (engine) => new Response(engine.chat(ask).toTextStream()).text(),
  'complete, text()': (engine) => engine.complete('x').text(),
  tokenize: (engine) => engine.tokenize('x'),
  detokenize: (engine) => engine.detokenize([1]),
  pieces: (engine) => engine.pieces([1]),
  applyTemplate: (engine) => engine.applyTemplate(ask),
  countTokens: (engine) => engine.countTokens(ask),
}

test.each(Object.entries(waits))('of %s, where the engine ends by itself', async (_, act) => {
  const { addon, engine } = await open()
  addon.engine.isFrozen = true
  addon.engine.onTextJob = () => undefined // never answered
  const stack = stackOf(act(engine))
  await settle()
  addon.engine.isFrozen = false
  addon.engine.die()
  expect(await stack).toContain(own)
})

test.each(Object.entries(waits))('of %s, where the engine is closed', async (_, act) => {
  const { engine } = await open()
  await engine.close()
  expect(await stackOf(act(engine))).toContain(own)
})

test('of a request that the engine refuses', async () => {
  const { engine } = await open(failing)
  expect(await stackOf(engine.chat(ask).text())).toContain(own)
  const reading = (async () => {
    for await (const _ of engine.complete('x')) throw new Error('nothing comes')
  })()
  expect(await stackOf(reading)).toContain(own)
})

test('of embed()', async () => {
  const embedding = { size: 4, pooling: 'mean' } as const
  const { addon, engine } = await open({ embedding })
  addon.engine.isFrozen = true
  const stack = stackOf(engine.embed('x'))
  await settle()
  addon.engine.die()
  expect(await stack).toContain(own)
  expect(await stackOf(engine.embed('x'))).toContain(own)
})

test('of requests that others end at once, each its own', async () => {
  const { addon, engine } = await open({ pace: 'manual' })
  const first = engine.chat(ask)
  const second = atAnotherLine(engine)
  const stacks = Promise.all([stackOf(first.done), stackOf(second.done)])
  await settle()
  addon.engine.die()
  const [one, other] = await stacks
  expect(one).not.toContain('atAnotherLine')
  expect(other).toContain('atAnotherLine')
  expect(engine.failure?.stack).not.toContain('atAnotherLine')
})

function atAnotherLine(engine: Engine): Reply {
  return engine.chat(ask)
}

test('of a signal that fires, and of cancel() before it is accepted', async () => {
  const { addon, engine } = await open({ pace: 'manual' })
  addon.engine.isFrozen = true
  addon.engine.onTextJob = () => undefined // never answered
  expect(await stackOf(engine.chat(ask, { signal: AbortSignal.timeout(5) }).done)).toContain(own)
  expect(await stackOf(engine.tokenize('x', { signal: AbortSignal.timeout(5) }))).toContain(own)
  const { accepted, cancel } = bound(engine.chat(ask))
  setImmediate(cancel)
  expect(await stackOf(accepted)).toContain(own)
})

function bound(reply: Reply) {
  return { accepted: reply.accepted, cancel: () => reply.cancel() }
}

test('of a reply without the object that was asked for', async () => {
  const { engine } = await open()
  expect(await stackOf(engine.chat(ask, { json: true }).object())).toContain(own)
  expect(await stackOf(engine.chat(ask, { json: true }).objects())).toContain(own)
})

test('of what is thrown at once, and of prepareTools()', async () => {
  const { engine } = await open()
  expect(() => engine.chat([])).toThrow(expect.objectContaining({ stack: stackHere }))
  expect(() => engine.complete('')).not.toThrow()
  expect(() => new CompiledSchema({ type: 5 })).toThrow(
    expect.objectContaining({ stack: stackHere }),
  )
  const tools = [{ name: 'a' }]
  expect(await stackOf(engine.prepareTools([{ name: 5 } as never]))).toContain(own)
  expect(await stackOf(engine.prepareTools(tools, { signal: AbortSignal.abort() }))).toContain(own)
  await settle(20)
})

const stackHere = expect.stringContaining(own)

test('of a server that cannot listen, with the address that it wanted', async () => {
  const { engine } = await open()
  const other = createTcpServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  const stack = await stackOf(createServer({ engine, port }).listen())
  expect(stack).toContain('EADDRINUSE')
  expect(stack).toContain(own)
  other.close()
})

test('of a server, with what is wrong with its options', async () => {
  const { engine } = await open()
  expect(() => createServer({ engine, port: -1 })).toThrow(
    expect.objectContaining({ stack: stackHere }),
  )
  expect(await stackOf(createServer({ engine }).drain({ deadlineMs: -1 }))).toContain(own)
})

test('of an error that has the lines already, once', async () => {
  const { engine } = await open()
  await engine.close()
  const stack = await stackOf(engine.tokenize('x'))
  const lines = stack.split('\n').filter((line) => line.includes(own))
  expect(new Set(lines).size).toBe(lines.length)
})
