import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cases } from '../support/clients/cases.js'
import { sectionsOfPage } from '../support/clients/page.js'
import { type Observed, tableOf, wordsOf } from '../support/clients/words.js'

// docs/clients.md has a table for each case that test/long/clients runs, and names the test of what
// is sent because of it.

const sections = sectionsOfPage()

test('each case has its section, in their order, and no other has one', () => {
  expect(sections.map(({ title }) => title)).toEqual(Object.values(cases).map((one) => one.title))
})

test.each(sections)('says what is sent, and has a table: $title', ({ table, prose }) => {
  expect(prose).toMatch(/\bSluice|\bNo chunk/)
  expect(table.split('\n').length).toBeGreaterThanOrEqual(3)
})

test('the test of what is sent is there', () => {
  const [, name = ''] =
    /(test\/http\/\S+\.test\.ts)/.exec(readFileSync('docs/clients.md', 'utf8')) ?? []
  expect(existsSync(name)).toBe(true)
})

const observed = (more: Partial<Observed>): Observed => {
  const seen = { text: 'Hello', finish: 'stop' }
  return { client: 'a', wire: 'chat', way: 'loop', name: 'ping', seen, asked: [], ...more }
}
const asked = (at: number, more: object = {}) => {
  return { place: '/loop/ping', at, leftAt: undefined, body: '{"tools":[{}]}', ...more }
}

describe('the words for what was seen', () => {
  test.each<[string, Partial<Observed>]>([
    ['has the whole text', {}],
    ['`Hel`, ends without an error', { seen: { text: 'Hel' } }],
    ['`Hello`, `odd` handed on, finish `stop`', withSeen({ others: ['odd'] })],
    ['`Hello`, an error part `null`, finish `stop`', withSeen({ parts: ['null', 'null'] })],
    ['throws `Error: no`', { seen: { text: '', error: 'Error: no' } }],
    ['a call with `{"a` (invalid), finish `length`', withCall('{"a (invalid)')],
    ['does not ask again', { name: 'retry-3', asked: [asked(0)] }],
    ['asks again after 3 s', { name: 'retry-3', asked: [asked(0), asked(3100)] }],
    ['asks again after a pause of its own', { name: 'retry-3', asked: [asked(0), asked(500)] }],
    ['its connection stays open', { name: 'abort', asked: [asked(0)] }],
    ['closes the connection late, ends without an error', withLeave(5000)],
    ['closes the connection at once, ends without an error', withLeave(100)],
    ['has the whole text', { seen: { text: 'Hello', output: 'Hello\n\nexit 0' } }],
    ['has nothing of the text, exit 1', { seen: { text: '', output: 'no\n\nexit 1' } }],
    ['asks again, has `Hello`', withAgain('{"tools":[{}]}')],
    ['has the whole text', withAgain('{"tools":[]}')],
  ])('%s', (words, more) => {
    expect(wordsOf(observed(more))).toBe(words)
  })

  test('make a table, which names a way only where another differs', () => {
    const short = { seen: { text: 'Hel' } }
    const all = [
      observed({}),
      observed({ way: 'stream()', ...short }),
      observed({ client: 'b', wire: 'messages' }),
      observed({ client: 'b', wire: 'messages', way: 'stream()' }),
    ]
    expect(tableOf('ping', all).split('\n')).toEqual([
      '| what is seen | chat completions | Messages |',
      '| --- | --- | --- |',
      "| `Hel`, ends without an error | a's stream() | - |",
      "| has the whole text | a's loop | b |",
    ])
  })
})

function withSeen(more: Partial<Observed['seen']>): Partial<Observed> {
  return { seen: { text: 'Hello', finish: 'stop', ...more } }
}

function withCall(call: string): Partial<Observed> {
  return { name: 'cut', seen: { text: '', calls: [call], finish: 'length' } }
}

function withLeave(leftAt: number): Partial<Observed> {
  return { name: 'abort', seen: { text: 'Hel', abortedAt: 0 }, asked: [asked(0, { leftAt })] }
}

function withAgain(body: string): Partial<Observed> {
  const seen = { text: 'Hello', output: 'Hello\n\nexit 0' }
  return { seen, asked: [asked(0), asked(1, { body })] }
}
