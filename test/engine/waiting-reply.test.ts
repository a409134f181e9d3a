import { afterEach, beforeEach, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { Deferred } from '../../src/engine/deferred.js'
import { Choice } from '../../src/engine/reply/choice.js'
import { type Engine, load, type Reply } from '../../src/index.js'
import { settle } from '../support/eventually.js'
import { FakeAddon } from '../support/fake-binding.js'
import { collectGarbage, ownMemory } from '../support/reliability/own-memory.js'

let engine: Engine
beforeEach(async () => {
  useBinding(new FakeAddon({ pace: 'manual' }))
  engine = await load({ model: 'fake.gguf' })
})
afterEach(async () => {
  await engine.close()
  useBinding(undefined)
})

/** In a function of its own, so that the test's frame holds nothing of it. */
function asked<Given extends object>(given: Given, ask: (given: Given) => Reply) {
  return { reply: ask(given), given: new WeakRef(given) }
}

async function isKept(given: WeakRef<object>): Promise<boolean> {
  await settle()
  collectGarbage()
  return given.deref() !== undefined
}

function conversation() {
  return [{ role: 'user' as const, content: 'Tell me a story' }]
}

test('a reply keeps nothing of the messages that it was asked with', async () => {
  const { reply, given } = asked(conversation(), (messages) => engine.chat(messages))
  expect(await isKept(given)).toBe(false)
  expect(reply.isSettled).toBe(false) // it still waits, and is still held
})

test('a reply keeps nothing of the token ids that it was asked with', async () => {
  const { reply, given } = asked([1, 2, 3], (tokens) => engine.complete(tokens))
  expect(await isKept(given)).toBe(false)
  expect(reply.isSettled).toBe(false) // it still waits, and is still held
})

test('a reply keeps nothing of its options', async () => {
  const { reply, given } = asked({ maxTokens: 5 }, (options) => {
    return engine.chat(conversation(), options)
  })
  expect(await isKept(given)).toBe(false)
  expect(reply.isSettled).toBe(false) // it still waits, and is still held
})

test('what is told of tokens is packed until it is read', () => {
  const count = 1000
  const alternatives = 20
  const told = (id: number) => ({ id, bytes: 'word', logprob: Math.fround(-id / 7) })
  const top = () => Array.from({ length: alternatives }, (_, i) => told(i))
  const part = (i: number) => {
    const logprobs = [{ ...told(i), top: top() }]
    return { kind: 'part' as const, id: 1, text: 'word', tokens: 1, logprobs }
  }
  const choice = new Choice(0, 0, -1)
  const before = ownMemory().javaScript
  for (let i = 0; i < count; i++) choice.addPart(part(i))
  // The engine's objects take 100, and a reader's own form 200 and more.
  expect((ownMemory().javaScript - before) / count / (alternatives + 1)).toBeLessThan(30)
  const { logprobs = [] } = choice.take()
  expect(logprobs.length).toBe(count)
  expect(logprobs[7]?.top[3]).toEqual({
    id: 3,
    token: 'word',
    bytes: Buffer.from('word'),
    logprob: Math.fround(-3 / 7),
  })
})

test('what is settled before anybody asks for its promise has the first outcome', async () => {
  const deferred = new Deferred<string>()
  deferred.resolve('first')
  deferred.reject(new Error('second'))
  expect(await deferred.promise).toBe('first')
  expect(deferred.promise).toBe(deferred.promise)
})

test('what is rejected before anybody asks is no unhandled rejection', async () => {
  const deferred = new Deferred<string>()
  deferred.reject(new Error('it failed'))
  void deferred.promise
  await settle()
  await expect(deferred.promise).rejects.toThrow('it failed')
})
