import { describe, expect, test } from 'vitest'
import { WrittenCalls } from '../../src/engine/reply/written-calls.js'
import { ownMemory } from '../support/reliability/own-memory.js'

const text = '{"city": "Oslo", "days":3}'

/** What becomes of the arguments of a past call. */
function restored(calls: WrittenCalls, sent: string, id = 'a'): string | undefined {
  const messages = [{ toolCalls: [] }, { toolCalls: [{ id, name: 'look', arguments: sent }] }]
  calls.restore(messages)
  const [call] = messages[1]?.toolCalls ?? []
  return call?.arguments
}

function remembering(...texts: string[]): WrittenCalls {
  const calls = new WrittenCalls()
  for (const [i, one] of texts.entries()) {
    calls.add({ id: String.fromCharCode(97 + i), name: 'look', arguments: one })
  }
  return calls
}

describe('a past call has the arguments as they were written', () => {
  test.each([
    ['compact', '{"city":"Oslo","days":3}'],
    ['in another order', '{"days":3,"city":"Oslo"}'],
    ['with other escapes', '{"city":"\\u004fslo","days":3.0}'],
    ['as they were', text],
  ])('%s', (_, sent) => {
    const calls = remembering(text)
    for (let turn = 0; turn < 3; turn++) expect(restored(calls, sent)).toBe(text)
    expect(restored(calls, text)).toBe(text)
  })
})

test('a form that is too long to be remembered is compared each time', () => {
  const calls = remembering(text)
  const sent = text.replace(' ', ' '.repeat(70_000))
  for (let turn = 0; turn < 2; turn++) expect(restored(calls, sent)).toBe(text)
})

describe('a past call has the arguments as they were sent', () => {
  test.each([
    ['of another value', '{"city":"Oslo","days":4}'],
    ['that are cut', '{"city":"Oslo"'],
    ['that are nothing', ''],
  ])('%s', (_, sent) => {
    expect(restored(remembering(text), sent)).toBe(sent)
  })

  test('of a call that is not known', () => {
    expect(restored(remembering(text), '{"city":"Oslo","days":3}', 'b')).not.toBe(text)
  })

  test('where the model’s own were cut', () => {
    expect(restored(remembering('{"city": "Os'), '{"city":"Os"}')).toBe('{"city":"Os"}')
  })

  test('that are nested too deep to be compared', () => {
    const deep = (blank: string) => `${'['.repeat(30_000)}${blank}${']'.repeat(30_000)}`
    expect(restored(remembering(deep(' ')), deep(''))).toBe(deep(''))
  })

  test('that are too long to be remembered', () => {
    const long = `{"a": "${'x'.repeat(70_000)}"}`
    expect(restored(remembering(long), long.replace(' ', ''))).toBe(long.replace(' ', ''))
  })

  test('once more of them were compared than a conversation has', () => {
    const long = (i: number, blank: string) => `{"a":${blank}"${i}${'x'.repeat(60_000)}"}`
    const calls = remembering(...Array.from({ length: 20 }, (_, i) => long(i, ' ')))
    const messages = Array.from({ length: 20 }, (_, i) => {
      const id = String.fromCharCode(97 + i)
      return { toolCalls: [{ id, name: 'look', arguments: long(i, '') }] }
    })
    calls.restore(messages)
    const whole = messages.filter(({ toolCalls }, i) => toolCalls[0]?.arguments === long(i, ' '))
    expect(whole).toHaveLength(17) // of 2 MiB, both forms of each
  })

  test('once a long one was compared often enough with short ones', () => {
    const long = `{"a": "${'x'.repeat(60_000)}"}`
    const call = (sent: string) => ({ toolCalls: [{ id: 'a', name: 'look', arguments: sent }] })
    const messages = [...Array.from({ length: 40 }, () => call('1')), call(long.replace(' ', ''))]
    remembering(long).restore(messages)
    expect(messages.at(-1)).toEqual(call(long.replace(' ', '')))
  })
})

test('calls that were not used for the longest are forgotten', () => {
  const calls = new WrittenCalls()
  const add = (id: string) => calls.add({ id, name: 'look', arguments: text })
  add('first')
  add('second')
  for (let i = 0; i < 4000; i++) add(`${i}`)
  expect(restored(calls, '{"city":"Oslo","days":3}', 'first')).toBe(text)
  for (let i = 4000; i < 4096; i++) add(`${i}`)
  expect(restored(calls, '{"city":"Oslo","days":3}', 'first')).toBe(text)
  expect(restored(calls, '{"city":"Oslo","days":3}', 'second')).not.toBe(text)
})

test('arguments that came token by token take no more memory than their characters', () => {
  const calls = new WrittenCalls()
  const before = ownMemory().javaScript
  for (let i = 0; i < 2000; i++) {
    let text = ''
    for (let token = 0; token < 250; token++) text += `${i * 250 + token} `.padStart(7)
    calls.add({ id: `${i}`, name: 'look', arguments: text })
  }
  const characters = 2000 * 1750
  expect(ownMemory().javaScript - before).toBeLessThan(3 * characters)
  expect(restored(calls, 'x', '1999')).toBe('x') // it is still held
})
