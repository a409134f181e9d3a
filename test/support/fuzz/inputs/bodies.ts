import assert from 'node:assert/strict'
import { HttpError } from '../../../../src/web/errors.js'
import { bodyDepthMax, parseJson } from '../../../../src/web/json.js'
import type { Dice } from '../dice.js'

/** Bodies that are nearly JSON in UTF-8, and what JSON.parse and a decoder make of them. */

const pieces = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\u00e9',
  '\\ud83e',
  '"a":',
  'null',
  '1e9',
]
const texts = ['', 'a', 'constructor', '__proto__', '"\\[{', '\u00e9\u{1f98a}', '\ud83e', '\n\0']

export function drawBody(dice: Dice): Buffer {
  const text = JSON.stringify(drawValue(dice, 0), null, dice.pick([0, 1]))
  let body = Buffer.from(text)
  for (let changes = dice.int(0, 2); changes > 0; changes--) {
    const at = dice.int(0, body.length)
    const between = dice.chance(0.7)
      ? Buffer.from(dice.pick(pieces))
      : Buffer.from([dice.int(0, 255)])
    body = Buffer.concat([body.subarray(0, at), between, body.subarray(at + dice.int(0, 2))])
  }
  return body
}

function drawValue(dice: Dice, depth: number): unknown {
  if (depth === 0 && dice.chance(0.2)) return deep(dice.int(bodyDepthMax - 2, bodyDepthMax + 3))
  const kind = dice.int(0, depth > 4 ? 3 : 6)
  if (kind === 0) return dice.pick([null, true, false])
  if (kind === 1) return dice.pick([0, -0, 1.5, -1e300, 2 ** 53])
  if (kind < 4) return dice.pick(texts)
  const values = Array.from({ length: dice.int(0, 4) }, () => drawValue(dice, depth + 1))
  if (kind === 4) return values
  return Object.fromEntries(values.map((value, i) => [`${dice.pick(texts)}${i % 2}`, value]))
}

function deep(depth: number): unknown {
  let value: unknown = '[[['
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

/** It is the value that JSON.parse has of it; or refused: no UTF-8, no JSON or too deep. */
export function judgeBody(body: Buffer): string {
  const expected = expectedOf(body)
  try {
    const value = parseJson(body)
    assert.ok(expected.isTaken, `it is taken though it is ${expected.outcome}`)
    assert.deepEqual(value, expected.value)
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    assert.ok(!expected.isTaken, `it is refused: ${error.message}`)
  }
  return expected.outcome
}

interface Expected {
  readonly outcome: string
  readonly isTaken: boolean
  readonly value?: unknown
}

function expectedOf(body: Buffer): Expected {
  // A decoder drops a mark of byte order, as fetch does; else text and bytes are one to one.
  const text = body.toString('utf8').replace(/^\ufeff/, '')
  const isUtf8 = Buffer.from(body.toString('utf8')).equals(body)
  if (!isUtf8) return { outcome: 'no UTF-8', isTaken: false }
  try {
    const value = JSON.parse(text)
    const isDeep = depthOf(value) > bodyDepthMax
    return { outcome: isDeep ? 'too deep' : 'taken', isTaken: !isDeep, value }
  } catch {
    return { outcome: 'no JSON', isTaken: false } // what it says of it is JSON.parse's
  }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}
