import { expect, test } from 'vitest'
import { type ResponseFrame, ResponseRules } from '../support/wire/response-rules.js'

type Event = Omit<ResponseFrame, 'sequence_number'>

const item = { id: 'msg_1', type: 'message' }
const of = { item_id: 'msg_1', output_index: 0 }
const response = { id: 'resp_1', output: [] }
const created: Event = { type: 'response.created', response }
const inProgress: Event = { type: 'response.in_progress', response }
const added: Event = { type: 'response.output_item.added', output_index: 0, item }
const delta: Event = { type: 'response.output_text.delta', ...of, delta: 'a' }
const text: Event = { type: 'response.output_text.done', ...of, text: 'a' }
const done: Event = { type: 'response.output_item.done', output_index: 0, item }
const whole = { ...response, output: [item] }
const completed: Event = { type: 'response.completed', response: whole }
const error: Event = { type: 'error' }

const good = [created, inProgress, added, delta, text, done, completed]

/** Everything that the events break, numbered as they come, and the end. */
function broken(events: readonly (Event & { sequence_number?: number })[]): string {
  const rules = new ResponseRules()
  const found = events.map((event, i) => rules.take({ sequence_number: i, ...event }))
  return [...found, rules.end()].join('')
}

test.each([
  ['one message', good],
  ['a silence', [created, inProgress, { type: 'keepalive' }, ...good.slice(2)]],
  [
    'a failure within an item',
    [created, inProgress, added, delta, error, { type: 'response.failed', response }],
  ],
])('a stream with %s breaks nothing', (_, events) => {
  expect(broken(events)).toBe('')
})

test.each([
  ['a number twice', [created, { ...inProgress, sequence_number: 0 }], /numbered otherwise/],
  ['no beginning', good.slice(1), /no response.created/],
  ['another id', [created, { ...inProgress, response: { ...response, id: 'x' } }], /goes on as x/],
  ['output at once', [{ ...created, response: whole }], /before it was made/],
  ['two items at once', [created, inProgress, added, { ...added }], /beside another item/],
  ['an item too far', [created, inProgress, { ...added, output_index: 1 }], /item 0 is numbered 1/],
  ['a delta of nothing', [created, inProgress, delta], /of another item/],
  [
    'a whole that was not said',
    [created, inProgress, added, delta, { ...text, text: 'b' }],
    /is not what was said/,
  ],
  [
    'an item that ends as another',
    [...good.slice(0, 5), { ...done, item: { ...item, id: 'x' } }],
    /ends as another/,
  ],
  ['an item without an end', [...good.slice(0, 5), completed], /without an end/],
  [
    'other output at its end',
    [...good.slice(0, 6), { ...completed, response }],
    /not what was done/,
  ],
  ['more after its end', [...good, { ...delta }], /after the response's end/],
  ['no end', good.slice(0, 6), /a response without an end/],
])('a stream of a response with %s is found out', (_, events, why) => {
  expect(broken(events)).toMatch(why)
})
