import { expect, test } from 'vitest'
import type { ReplyResult } from '../../../../src/api/types.js'
import type { Head } from '../../../../src/apis/openai/responses/response.js'
import { ToolNames } from '../../../../src/apis/openai/responses/tool-names.js'
import { ResponseEvents } from '../../../../src/apis/openai/responses/writer.js'
import { HttpError } from '../../../../src/web/errors.js'
import { eventsOf } from '../../../support/wire/responses.js'

const head = { id: 'resp_1', object: 'response', created_at: 1, model: 'm' } as Head
const options = { names: new ToolNames(), asSummary: false }
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1 }
const result = { finishReason: 'stop', usage } as ReplyResult

test.each([
  ['cannot be kept', result],
  ['was cancelled', { ...result, finishReason: 'cancelled' } as ReplyResult],
])('a response that %s at its end fails, and no number of its events is left out', (_, end) => {
  const events = new ResponseEvents(head, options, () => {
    throw new Error('no room')
  })
  const told = [events.opening(), events.part({ choice: 0, text: 'A', tokens: 1 }), events.ping()]
  expect(() => events.ending(end)).toThrow()
  told.push(events.failure(new HttpError('internal', 'it failed')))
  const all = eventsOf(told.join(''))
  expect(all.map((event) => event.sequence_number)).toEqual(all.map((_, i) => i))
  expect(all.slice(-3).map(({ type }) => type)).toEqual(['keepalive', 'error', 'response.failed'])
})

test('each ping is an event of its own', () => {
  const events = new ResponseEvents(head, options, () => undefined)
  const pings = eventsOf(events.ping() + events.ping())
  expect(pings).toEqual([
    { type: 'keepalive', sequence_number: 0 },
    { type: 'keepalive', sequence_number: 1 },
  ])
})
