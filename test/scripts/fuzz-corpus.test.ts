import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { corpusFile, lineOf, readCorpus } from '../../scripts/fuzz/corpus.mjs'
import { targets } from '../../scripts/fuzz/targets.mjs'

const names = Object.keys(targets)

test.each(names)('%s has inputs to begin with, each of a length that it takes', (name) => {
  const inputs = readCorpus(name)
  expect(inputs.length).toBeGreaterThan(2)
  const longest = Math.max(...inputs.map(({ length }) => length))
  expect(longest).toBeLessThanOrEqual(targets[name]?.bytesMax as number)
})

test('each target is a program, and the inputs of all are small together', () => {
  const folder = 'native/llama/test/fuzz'
  const programs = readdirSync(folder).filter((name) => name.endsWith('.cpp'))
  expect(programs.map((name) => name.replace('.cpp', '')).sort()).toEqual([...names].sort())
  const bytes = names.map((name) => readFileSync(corpusFile(name)).length)
  expect(bytes.reduce((sum, more) => sum + more)).toBeLessThan(400_000)
})

describe('an input as a line', () => {
  test.each([
    ['text', Buffer.from('root ::= a\n'), '"root ::= a\\n"'],
    ['a few bytes', Buffer.from('a\xff', 'latin1'), 'Yf8='],
    ['zeros', Buffer.alloc(9), 'AAAAAAAAAAAA'],
    ['nothing', Buffer.alloc(0), '""'],
  ])('%s', (_, input, line) => {
    expect(lineOf(input)).toBe(line)
  })
})
