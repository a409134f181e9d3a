import { describe, expect, test } from 'vitest'
import type { KeptResponse } from '../../../../src/apis/api.js'
import { MemoryResponseStore } from '../../../../src/apis/openai/responses/store.js'

const plenty = { responsesMax: 1_000_000, bytesMax: 2 ** 40 }

function itemOf(id: string, text = '') {
  return { id, type: 'message', role: 'user', content: text }
}

/** Puts a response with an item of its own in and out. */
function put(store: MemoryResponseStore, id: string, previous?: KeptResponse, text = ''): void {
  const response = { id, output: [itemOf(`out_${id}`, text)] }
  store.put('me', id, response, JSON.stringify([itemOf(`in_${id}`)]), previous)
}

const idsOf = (items: readonly unknown[] = []) => items.map((item) => (item as { id: string }).id)

/** A store of a conversation of so many turns. */
function chain(turns: number, limits = plenty): MemoryResponseStore {
  const store = new MemoryResponseStore(limits)
  for (let i = 0; i < turns; i++) put(store, `${i}`, store.get('me', `${i - 1}`))
  return store
}

describe('a conversation', () => {
  test('has all items in order, and its last input those before it', () => {
    const store = chain(3)
    const all = ['in_0', 'out_0', 'in_1', 'out_1', 'in_2', 'out_2']
    expect(idsOf(store.get('me', '2')?.conversation())).toEqual(all)
    expect(idsOf(store.get('me', '2')?.input())).toEqual(all.slice(0, -1))
  })

  test('is counted once, however many responses it has', () => {
    const [one, ten] = [chain(1).bytes, chain(10).bytes]
    expect(ten).toBeLessThan(11 * one)
    const store = chain(10)
    expect(store.get('me', '9')?.conversationBytes).toBeLessThan(store.bytes)
  })

  test('of a hundred thousand turns is let go of without a deep stack', () => {
    const store = chain(100_000)
    expect(store.count).toBe(100_000)
    for (let i = 0; i < 100_000; i++) store.delete('me', `${i}`)
    expect([store.count, store.bytes]).toEqual([0, 0])
  })

  test('stays whole where its first responses are gone, and is freed with its last', () => {
    const store = chain(3, { ...plenty, responsesMax: 1 })
    expect(store.count).toBe(1)
    expect(store.get('me', '0')).toBeUndefined()
    expect(store.get('me', '2')?.conversation()).toHaveLength(6)
    expect(idsOf([store.item('me', 'out_0')])).toEqual(['out_0'])
    put(store, '3')
    expect(store.bytes).toBe(chain(1).bytes)
    expect(store.item('me', 'out_0')).toBeUndefined()
  })
})

describe('the memory of a store', () => {
  test('is within its bounds after each response', () => {
    const bytesMax = 20_000
    const store = new MemoryResponseStore({ responsesMax: 8, bytesMax })
    for (let i = 0; i < 200; i++) {
      const previous = i % 3 === 0 ? undefined : store.get('me', `${i - 1}`)
      put(store, `${i}`, previous, 'x'.repeat((i * 997) % 9000))
      expect(store.count).toBeLessThanOrEqual(8)
      expect(store.bytes).toBeLessThanOrEqual(bytesMax)
    }
    expect(store.count).toBeGreaterThan(0)
  })

  test('holds no response that is too large by itself, and none is kept beside it', () => {
    const store = new MemoryResponseStore({ responsesMax: 8, bytesMax: 1000 })
    put(store, 'small')
    put(store, 'large', undefined, 'x'.repeat(1000))
    expect([store.count, store.bytes]).toEqual([0, 0])
  })
})

test('what one has used last stays the longest', () => {
  const store = new MemoryResponseStore({ ...plenty, responsesMax: 2 })
  put(store, 'a')
  put(store, 'b')
  store.get('me', 'a')
  put(store, 'c')
  expect(['a', 'b', 'c'].map((id) => store.get('me', id) !== undefined)).toEqual([
    true,
    false,
    true,
  ])
})

test('what is of one owner is there for no other', () => {
  const store = chain(1)
  expect(store.get('you', '0')).toBeUndefined()
  expect(store.item('you', 'out_0')).toBeUndefined()
  expect(store.delete('you', '0')).toBe(false)
  expect(store.get('me', '0')).toBeDefined()
  // An id with a line break in it is no way into another's.
  store.put('a', 'b\nc', { id: 'b\nc', output: [] }, '[]')
  expect(store.get('a\nb', 'c')).toBeDefined()
})
