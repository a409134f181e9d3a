import { expect, test } from 'vitest'
import { jsonIn, parseJson } from '../../src/web/json.js'
import { cpuMsOf } from '../support/processor/cpu-time.js'

const parse = (text: string) => parseJson(Buffer.from(text))

test('a body is JSON in UTF-8, with or without a byte order mark', () => {
  const value = { 'a"\\': ['é', '🦊', 1.5, null, true, { b: {} }] }
  expect(parse(JSON.stringify(value))).toEqual(value)
  expect(parse(`\ufeff${JSON.stringify(value)}`)).toEqual(value)
})

test.each(['', '  ', '{', '{"a":1,}', "{'a':1}", '{"a":01}', 'NaN', '{"a":"\n"}', '"\\'])(
  '%j is refused, for it is not JSON',
  (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ status: 400, field: undefined }))
  },
)

test.each([[[0xff]], [[0x22, 0xc3, 0x22]], [[0x22, 0xed, 0xa0, 0x80, 0x22]]])(
  'the bytes %j are refused, for they are not UTF-8',
  (bytes) => {
    expect(() => parseJson(Uint8Array.from(bytes))).toThrow(/UTF-8/)
  },
)

test('64 levels pass, 65 do not, and brackets in strings are no levels', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  expect(() => parse(nested(64))).not.toThrow()
  expect(() => parse(nested(65))).toThrow(/64 deep/)
  expect(() => parse(`{"a":${'{"a":'.repeat(64)}1${'}'.repeat(65)}`)).toThrow(/64 deep/)
  const text = JSON.stringify({ a: `${'['.repeat(500)}\\"${'{'.repeat(500)}` })
  expect(parse(text)).toEqual(JSON.parse(text))
  expect(() => parse(`[${'[],'.repeat(500)}[]]`)).not.toThrow()
})

test('a body that is all brackets is refused without being parsed', async () => {
  const body = '['.repeat(5_000_000)
  const cpuMs = await cpuMsOf(() => expect(() => parse(body)).toThrow(/64 deep/))
  expect(cpuMs).toBeLessThan(500)
})

test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'])(
  'the key %s is a key like any other, at any depth and however it is spelled',
  (key) => {
    const escaped = `\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}${key.slice(1)}`
    for (const name of [key, escaped]) {
      const value = parse(`{"a": [{"${name}" : {"polluted": 1}}], "${name}":7}`) as { a: object[] }
      expect(Object.entries(value)).toEqual([
        ['a', [expect.anything()]],
        [key, 7],
      ])
      expect(Object.entries(value.a[0] ?? {})).toEqual([[key, { polluted: 1 }]])
      expect(Object.getPrototypeOf(value.a[0])).toBe(Object.prototype)
      expect({}).not.toHaveProperty('polluted')
    }
  },
)

test('a text within a body is read as deep as a body may be, and else as none', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  expect(jsonIn('{"a": [1]}')).toEqual({ a: [1] })
  expect(jsonIn(nested(64))).toBeInstanceOf(Array)
  for (const text of [nested(65), '{"a"', '']) expect(jsonIn(text)).toBeUndefined()
})
