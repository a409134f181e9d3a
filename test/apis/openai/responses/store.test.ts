import { describe, expect, test } from 'vitest'
import type { KeptInput, KeptResponse } from '../../../../src/apis/api.js'
import { MemoryResponseStore } from '../../../../src/apis/openai/responses/store.js'

const plenty = { responsesMax: 1_000_000, bytesMax: 2 ** 40 }

function itemOf(id: string, text = '') {
  return { id, type: 'message', role: 'user', content: text }
}

function inputOf(...ids: string[]): KeptInput {
  return { json: JSON.stringify(ids.map((id) => itemOf(id))), ids }
}

/** Puts a response with an item of its own in and out. */
function put(store: MemoryResponseStore, id: string, previous?: KeptResponse, text = ''): void {
  const response = { id, output: [itemOf(`out_${id}`, text)] }
  store.put('me', response, inputOf(`in_${id}`), previous)
}

/** Those of these items that are there. */
function found(store: MemoryResponseStore, ...ids: string[]): string[] {
  return [...(store.items('me', new Set(ids), plenty.bytesMax)?.items.keys() ?? [])]
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
    expect(found(store, 'out_0')).toEqual(['out_0'])
    put(store, '3')
    expect(store.bytes).toBe(chain(1).bytes)
    expect(found(store, 'out_0')).toEqual([])
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

  test('holds no response that is too large by itself, and the others stay', () => {
    const store = new MemoryResponseStore({ responsesMax: 8, bytesMax: 5000 })
    put(store, 'small')
    const before = store.bytes
    put(store, 'large', undefined, 'x'.repeat(5000))
    expect([store.get('me', 'large'), found(store, 'in_large')]).toEqual([undefined, []])
    expect([store.count, store.bytes]).toEqual([1, before])
    expect(store.get('me', 'small')).toBeDefined()
  })

  test('holds no conversation that is too large with all before it, and the others stay', () => {
    const store = new MemoryResponseStore({ responsesMax: 99, bytesMax: 20_000 })
    put(store, 'other')
    const made = ['a', 'b', 'c', 'd'].map((id, i, all) => {
      put(store, id, store.get('me', all[i - 1] ?? ''), 'x'.repeat(4000))
      return store.get('me', id) !== undefined
    })
    expect(made).toEqual([true, true, true, false])
    expect(store.get('me', 'c')?.conversation()).toHaveLength(6)
    expect(store.get('me', 'other')).toBeDefined()
  })

  test('is counted for those that follow without what a body repeats', () => {
    const store = new MemoryResponseStore(plenty)
    const response = { id: 'a', instructions: 'x'.repeat(9000), output: [itemOf('out_a')] }
    store.put('me', response, inputOf('in_a'))
    const kept = store.get('me', 'a') as KeptResponse
    expect(JSON.parse(Buffer.from(kept.body).toString())).toEqual(response)
    expect(kept.conversationBytes).toBe(2 * JSON.stringify([itemOf('out_a')]).length - 1)
    expect(store.bytes).toBeGreaterThan(9000)
  })
})

describe('items that are asked for', () => {
  test('are found in whichever responses have them, each response read once', () => {
    const store = chain(2)
    const own = JSON.stringify([itemOf('in_0')]).length + JSON.stringify([itemOf('out_0')]).length
    const one = store.items('me', new Set(['in_0', 'out_0', 'none']), own)
    expect([...(one?.items.keys() ?? [])]).toEqual(['in_0', 'out_0'])
    expect(one?.items.get('out_0')).toEqual(itemOf('out_0'))
    expect(one?.bytes).toBe(own)
    expect(store.items('me', new Set(['in_0', 'in_1']), 2 * own)?.bytes).toBe(2 * own)
  })

  test('are not read where that is too much', () => {
    const store = chain(2)
    const { bytes = 0 } = store.items('me', new Set(['in_0']), plenty.bytesMax) ?? {}
    expect(store.items('me', new Set(['in_0', 'in_1']), 2 * bytes - 1)).toBeUndefined()
    expect(store.items('me', new Set(['none']), 0)?.items.size).toBe(0)
  })

  test('stay as long as any response has them, whichever goes first', () => {
    for (const [gone, left] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const store = new MemoryResponseStore(plenty)
      for (const id of ['a', 'b']) store.put('me', { id, output: [] }, inputOf('shared'))
      store.delete('me', gone)
      expect(found(store, 'shared')).toEqual(['shared'])
      store.delete('me', left)
      expect([found(store, 'shared'), store.bytes]).toEqual([[], 0])
    }
  })
})

describe('a response that is deleted', () => {
  test('has no items to refer to, and those that followed it keep what they were made from', () => {
    const store = chain(3)
    store.delete('me', '1')
    expect(found(store, 'in_1', 'out_1')).toEqual([])
    expect(found(store, 'in_0', 'out_0', 'in_2', 'out_2')).toHaveLength(4)
    expect(store.get('me', '2')?.conversation()).toHaveLength(6)
    store.delete('me', '2')
    store.delete('me', '0')
    expect([store.count, store.bytes, found(store, 'in_0', 'in_1')]).toEqual([0, 0, []])
  })

  test('has none either once one follows it that was under way', () => {
    const store = chain(1)
    const previous = store.get('me', '0')
    store.delete('me', '0')
    put(store, '1', previous)
    expect(found(store, 'in_0', 'out_0')).toEqual([])
    expect(store.get('me', '1')?.conversation()).toHaveLength(4)
    store.delete('me', '1')
    expect([store.count, store.bytes]).toEqual([0, 0])
  })

  test('leaves items that another response has', () => {
    const store = new MemoryResponseStore(plenty)
    for (const id of ['a', 'b']) store.put('me', { id, output: [] }, inputOf('shared'))
    put(store, 'c', store.get('me', 'a'))
    store.delete('me', 'a')
    expect(found(store, 'shared')).toEqual(['shared'])
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
  expect(store.items('you', new Set(['out_0']), plenty.bytesMax)?.items.size).toBe(0)
  expect(store.delete('you', '0')).toBe(false)
  expect(store.get('me', '0')).toBeDefined()
  // An id with a line break in it is no way into another's.
  store.put('a', { id: 'b\nc', output: [] }, inputOf())
  expect(store.get('a\nb', 'c')).toBeDefined()
})

test('a small response keeps no more memory than is counted', () => {
  const store = new MemoryResponseStore(plenty)
  put(store, 'one', undefined, 'äöü')
  const kept = store.get('me', 'one')
  expect(kept?.body.buffer.byteLength).toBeLessThan(store.bytes)
  expect(kept?.conversation()).toEqual([itemOf('in_one'), itemOf('out_one', 'äöü')])
})
