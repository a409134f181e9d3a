import { expect, test } from 'vitest'
import { StreamRules } from '../support/wire/stream-rules.js'

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }
const chunk = (index: number, delta: object, finish_reason: string | null = null) => ({
  ...head,
  choices: [{ index, delta, finish_reason }],
})
const role = { role: 'assistant', content: '' }
const usage = { ...head, choices: [], usage: {} }

/** Everything that the frames break, and the end. */
function broken(...frames: Parameters<StreamRules['take']>[0][]): string {
  const rules = new StreamRules()
  return [...frames.map((frame) => rules.take(frame)), rules.end()].join('')
}

test('a stream of two choices with usage breaks nothing', () => {
  const first = [chunk(0, role), chunk(1, role), chunk(1, { content: 'a' })]
  expect(broken(...first, chunk(0, {}, 'stop'), chunk(1, {}, 'length'), usage)).toBe('')
})

test.each([
  ['another id', [chunk(0, role), { ...chunk(0, {}, 'stop'), id: 'x' }], /goes on as/],
  ['no role', [chunk(0, {}), chunk(0, {}, 'stop')], /^choice 0: it begins without a role$/],
  ['a second role', [chunk(0, role), chunk(0, role), chunk(0, {}, 'stop')], /role a second time$/],
  ['no finish reason', [chunk(0, role)], /^no finish reason of choice 0$/],
  ['a second finish reason', [chunk(0, role, 'stop'), chunk(0, {}, 'stop')], /more of it/],
  ['text after the end', [chunk(0, role, 'stop'), chunk(0, { content: 'a' })], /more of it/],
  ['a frame after the usage', [chunk(0, role, 'stop'), usage, usage], /after the usage/],
  ['usage in the wrong place', [{ ...chunk(0, role, 'stop'), usage: {} }], /beside a choice/],
  ['an empty frame', [chunk(0, role, 'stop'), { ...head, choices: [] }], /without usage/],
  ['nothing at all', [], /\[DONE\] without a choice/],
])('a stream with %s is found out', (_, frames, why) => {
  expect(broken(...frames)).toMatch(why)
})
