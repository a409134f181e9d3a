import { describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/api/errors.js'
import { parseMessages } from '../../src/options/chat-messages.js'
import { nameSquaresOf } from '../../src/options/object-names.js'
import { parseTools } from '../../src/options/tools/tools.js'
import { jsonTextOf } from '../../src/schema/json-of.js'

// Objects of very many names, over which llama.cpp takes the square of their number.

function named(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`name ${i}: "{[,`, 1]))
}

function refusal(use: () => unknown): InvalidOptionError {
  try {
    use()
  } catch (error) {
    if (error instanceof InvalidOptionError) return error
    throw error
  }
  return expect.fail('it was taken')
}

const call = (given: string | object) => {
  const user = { role: 'user', content: 'Hi' }
  return [user, { role: 'assistant', toolCalls: [{ name: 'x', arguments: given }] }, user]
}

describe("the names of a past call's arguments", () => {
  const forms: [string, (object: object) => string | object][] = [
    ['an object', (object) => object],
    ['text', (object) => JSON.stringify(object)],
    ['text that is cut', (object) => JSON.stringify(object).slice(0, -1)],
    ['text within text', (object) => JSON.stringify(JSON.stringify(object))],
    ['deep within', (object) => ({ a: [{ b: object }] })],
  ]

  test.each(forms)('are taken up to 9,999 in %s, and two more are not', (_, form) => {
    expect(parseMessages(call(form(named(9_999))))).toHaveLength(3)
    const { option, message } = refusal(() => parseMessages(call(form(named(10_001)))))
    expect(option).toBe('messages[1].toolCalls[0].arguments')
    expect(message).toMatch(/expected fewer names .* 10,000 names of one object do, but got 10002/)
  })

  test('count for all calls together', () => {
    const some = JSON.stringify(named(4_000))
    const calls = Array.from({ length: 7 }, () => ({ name: 'x', arguments: some }))
    const chat = (count: number) => [{ role: 'assistant', toolCalls: calls.slice(0, count) }]
    expect(parseMessages(chat(6))).toHaveLength(1)
    const { option } = refusal(() => parseMessages(chat(7)))
    expect(option).toBe('messages[0].toolCalls[6].arguments')
  })

  test('are none where there is no object', () => {
    const list = JSON.stringify(Array.from({ length: 50_000 }, () => ({ a: 1 })))
    expect(nameSquaresOf(list)).toBe(50_000)
    expect(parseMessages(call(list))).toHaveLength(3)
    for (const text of ['"{:', 'a: b\n', ' : ']) {
      expect(parseMessages(call(text.repeat(50_000)))).toHaveLength(3)
    }
  })

  test('are counted alike in a value and in its text', () => {
    const value = { a: { b: named(70), c: [named(30), {}, 'x:y'] }, d: named(50) }
    const { text, nameSquares } = jsonTextOf(value, 100_000)
    expect(nameSquares).toBe(2 ** 2 + 2 ** 2 + 70 ** 2 + 30 ** 2 + 50 ** 2)
    expect(nameSquaresOf(text)).toBe(nameSquares)
  })
})

test("a tool's schema may have no more of them in one object", () => {
  const tools = (count: number) => [
    { name: 'a' },
    { name: 'b', parameters: { properties: { at: { default: named(count) } } } },
  ]
  expect(parseTools(tools(9_999), 'json').tools).toHaveLength(2)
  expect(refusal(() => parseTools(tools(10_001), 'json')).option).toBe('tools[1].parameters')
})
