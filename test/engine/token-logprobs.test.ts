import { expect, test } from 'vitest'
import type { NativeTokenLogprobs } from '../../src/binding/engine-port.js'
import {
  nativeLogprobs,
  PackedLogprobs,
  promptTokenLogprobs,
  tokenLogprobs,
} from '../../src/engine/reply/token-logprobs.js'

const half = '\u00c3' // the first byte of é
const entry = (id: number, bytes: string, logprob: number) => ({ id, bytes, logprob })
const mark = { ...entry(3, '', -1.5), name: '<|end|>' }

const told: NativeTokenLogprobs[] = [
  { ...entry(7, 'a', -0.25), top: [entry(7, 'a', -0.25), entry(2 ** 31 - 1, half, -3.5)] },
  { ...entry(0, '', -0.5), top: [] },
  { ...mark, top: [mark, entry(8, ' fox\0', -2)] },
  // What does not fit: no number of 32 bits, and more bytes than are counted.
  { ...entry(9, 'b', -0.1), top: [entry(10, 'c', -0.1)] },
  { ...entry(11, 'x'.repeat(70_000), -4), top: [entry(12, 'y'.repeat(65_534), -5)] },
  { ...entry(13, 'first', Number.NaN), top: [entry(14, 'never', -Infinity)] },
]

test('what is packed is the same afterwards, in its order', () => {
  const packed = new PackedLogprobs()
  expect(packed.unpacked()).toEqual([])
  packed.add(told.slice(0, 2))
  packed.add([])
  packed.add(told.slice(2))
  expect(packed.unpacked()).toStrictEqual(told)
  expect(packed.unpacked()).toStrictEqual(told) // it stays
  packed.add(told)
  expect(packed.unpacked()).toStrictEqual([...told, ...told])
})

test("a reader's form has text, and goes back to the engine's", () => {
  const [, , end] = told as [unknown, unknown, NativeTokenLogprobs]
  expect(tokenLogprobs(end)).toMatchObject({ token: '<|end|>', top: [{}, { token: ' fox\0' }] })
  expect(told.map((one) => nativeLogprobs(tokenLogprobs(one)))).toStrictEqual(told)
  expect(told.map((one) => promptTokenLogprobs(one).logprob)).toEqual([
    ...[-0.25, -0.5, -1.5, -0.1, -4],
    null,
  ])
})
