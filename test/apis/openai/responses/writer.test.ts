import { expect, test } from 'vitest'
import type { ReplyResult } from '../../../../src/api/types.js'
import type { Head } from '../../../../src/apis/openai/responses/response.js'
import { ToolNames } from '../../../../src/apis/openai/responses/tool-names.js'
import { ResponseEvents } from '../../../../src/apis/openai/responses/writer.js'
import { HttpError } from '../../../../src/web/errors.js'
import { ownMemory } from '../../../support/reliability/own-memory.js'
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

test('what is told of tokens is kept packed until the end, which tells all of it', () => {
  const count = 1500 // of so many that what else the heap has is little beside them
  const alternatives = 20
  const bytes = Buffer.from('é')
  const told = (id: number) => ({ id, token: 'é', bytes, logprob: Math.fround(-id / 7) })
  const events = new ResponseEvents(head, options, () => undefined)
  const before = ownMemory().javaScript
  for (let i = 0; i < count; i++) {
    const logprobs = [{ ...told(i), top: Array.from({ length: alternatives }, (_, j) => told(j)) }]
    events.part({ choice: 0, text: 'é', tokens: 1, logprobs })
  }
  // As objects they take 150 and more, and as JSON 100.
  expect((ownMemory().javaScript - before) / count / (alternatives + 1)).toBeLessThan(30)
  const last = eventsOf(events.ending(result)).at(-1) as unknown as {
    response: { output: { content: { logprobs: { top_logprobs: unknown[] }[] }[] }[] }
  }
  const logprobs = last.response.output[0]?.content[0]?.logprobs ?? []
  expect(logprobs.length).toBe(count)
  expect(logprobs[7]).toMatchObject({ token: 'é', logprob: -1, bytes: [0xc3, 0xa9] })
  expect(logprobs[7]?.top_logprobs[3]).toEqual({
    token: 'é',
    logprob: Math.fround(-3 / 7),
    bytes: [0xc3, 0xa9],
  })
})
