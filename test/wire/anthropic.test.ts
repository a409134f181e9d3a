import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { anthropicSchema } from '../../scripts/wire/anthropic-schema.mjs'
import { alsoClose, closeAfterEach } from '../support/serve.js'
import { EventRules } from '../support/wire/anthropic/event-rules.js'
import { askMessages, tale } from '../support/wire/anthropic/messages.js'
import { anthropicProblem, schemaFile } from '../support/wire/anthropic/shapes.js'
import { tapWire } from '../support/wire/tap.js'

// The judge of Messages: where its schemas come from, and that it does refuse.

closeAfterEach()

test('the schemas are those of the installed package @anthropic-ai/sdk', () => {
  const now = anthropicSchema()
  const isSame = now === readFileSync(schemaFile, 'utf8')
  expect(isSame, 'run: node scripts/wire/anthropic-schema.mjs').toBe(true)
})

const started = (block: object) => ({ type: 'content_block_start', index: 0, content_block: block })

test.each([
  ['a text', { type: 'text', text: '' }, ''],
  ['a text with citations', { type: 'text', text: '', citations: null }, ''],
  ['a text with a field too many', { type: 'text', text: '', a: 1 }, /additional properties/],
  ['no text', { type: 'text' }, /'text'/],
  ['thinking without a signature', { type: 'thinking', thinking: '' }, /'signature'/],
  ['a call without an input', { type: 'tool_use', id: 'a', name: 'b' }, /must have required/],
])('a block that begins as %s is judged', (_, block, problem) => {
  expect(anthropicProblem('StreamEvent', started(block))).toMatch(problem || /^$/)
})

test('an error has its envelope, and no other type than is known', () => {
  const error = { type: 'api_error', message: 'm' }
  const body = { type: 'error', error, request_id: 'req_1' }
  expect(anthropicProblem('ErrorResponse', body)).toBe('')
  expect(anthropicProblem('ErrorResponse', { error })).toContain("'type'")
  const other = { ...body, error: { ...error, type: 'server_error' } }
  expect(anthropicProblem('ErrorResponse', other)).not.toBe('')
})

describe('a stream', () => {
  const start = { type: 'message_start', message: { content: [] } }
  const block = (index: number, type = 'text') => ({
    type: 'content_block_start',
    index,
    content_block: { type, ...(type === 'tool_use' ? { input: {} } : {}) },
  })
  const delta = (index: number, type = 'text_delta') => ({
    type: 'content_block_delta',
    index,
    delta: { type },
  })
  const stop = (index: number) => ({ type: 'content_block_stop', index })
  const end = [{ type: 'message_delta' }, { type: 'message_stop' }]

  function broken(...events: Parameters<EventRules['take']>[0][]): string {
    const rules = new EventRules()
    return [...events.map((event) => rules.take(event)), rules.end()].join('')
  }

  test('of two blocks with a ping breaks nothing', () => {
    const ping = { type: 'ping' }
    const second = [block(1, 'tool_use'), delta(1, 'input_json_delta'), stop(1)]
    expect(broken(start, ping, block(0), delta(0), stop(0), ...second, ...end)).toBe('')
    expect(broken(start, block(0), { type: 'error' })).toBe('')
  })

  test.each([
    ['nothing', [], /ends at nothing/],
    ['no message_start', [block(0), stop(0), ...end], /before message_start/],
    ['content at its start', [{ ...start, message: { content: [1] } }, ...end], /with content/],
    ['two starts', [start, start, ...end], /a second message_start/],
    ['blocks that overlap', [start, block(0), block(1), stop(1), stop(0)], /begins within/],
    ['a gap', [start, block(1), stop(1), ...end], /block 1 where 0 is next/],
    ['another’s delta', [start, block(0), delta(0, 'thinking_delta')], /in a block of text/],
    ['a delta of no block', [start, delta(0)], /no open block/],
    ['an open block at its end', [start, block(0), ...end], /within a block/],
    ['no message_delta', [start, { type: 'message_stop' }], /without message_delta/],
    ['no end', [start, block(0), stop(0)], /ends at message/],
    ['more after its end', [start, ...end, block(0)], /after the end/],
  ])('with %s is found out', (_, events, why) => {
    expect(broken(...events)).toMatch(why)
  })
})

test.each([
  ['{"id":1}', 'application/json', /must have required/],
  ['data: {"type":"ping"}\n\n', 'text/event-stream', /no event of one JSON line/],
  ['event: ping\ndata: {"type":"pong"}\n\n', 'text/event-stream', /an event ping of type pong/],
  ['event: message_stop\ndata: {"type":"message_stop"}\n', 'text/event-stream', /within a frame/],
])(
  'what is sent as %j of %s is found out, whichever server sent it',
  async (body, type, problem) => {
    const server = createServer((_, res) => {
      res.setHeader('content-type', type)
      res.write(body.slice(0, 5))
      res.end(Buffer.from(body.slice(5)))
    })
    const problems = tapWire(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    alsoClose(async () => void server.close())
    const { port } = server.address() as AddressInfo
    await (await askMessages(`http://127.0.0.1:${port}`, tale())).text()
    expect(problems().join('\n')).toMatch(problem)
  },
)
