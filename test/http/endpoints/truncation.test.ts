import { expect, test } from 'vitest'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { chat, closeAfterEach, serve, story } from '../../support/serve.js'
import { expectOpenAiShape } from '../../support/wire/shapes.js'

// Conversations that outgrow the context, over the fake, whose tokens are characters.

closeAfterEach()

const context = 1000
const turns = Array.from({ length: 30 }, (_, i) => [
  { role: 'user', content: `Question ${i}?` },
  { role: 'assistant', content: `Answer ${i}. ${'.'.repeat(20)}` },
]).flat()
const long = [
  { role: 'system', content: 'Be kind.' },
  ...turns,
  { role: 'user', content: 'And now?' },
]

async function ask(body: object) {
  const { url, native } = await serve({ engine: { context } })
  const response = await chat(url, story({ messages: long, ...body }))
  const notes = response.headers.get('x-sluice-notes')
  const text = await response.text()
  const [request] = native.submitted
  const { messages } = ((request as NativeRequest | undefined)?.prompt ?? {}) as NativeChat
  return { status: response.status, notes, text, messages }
}

test.each(['auto', { type: 'auto' }, { type: 'retention_ratio', retention_ratio: 0.5 }])(
  'truncation %j drops the oldest turns, and the body and a header tell which',
  async (truncation) => {
    const { notes, text, messages } = await ask({ truncation, stream: false })
    const body = JSON.parse(text)
    expectOpenAiShape('ChatCompletion', body)
    const dropped: number[] = body.dropped_messages
    expect(dropped.length).toBeGreaterThan(10)
    expect(dropped).toEqual(dropped.map((_, i) => i + 1))
    expect(messages.map(({ content }) => content)).toEqual(
      long.filter((_, i) => !dropped.includes(i)).map(({ content }) => content),
    )
    expect(notes).toBe(
      `messages: ${dropped.length} of 62 do not fit the context; left out: 1-${dropped.at(-1)}`,
    )
  },
)

test('a stream tells it in its first frame, and in no other', async () => {
  const { notes, text } = await ask({ truncation: 'auto', n: 2 })
  const frames = text.split('\n\n').filter((frame) => frame.startsWith('data: {'))
  const [first, ...others] = frames.map((frame) => JSON.parse(frame.slice(6)))
  expect(first.dropped_messages.length).toBeGreaterThan(10)
  expect(first.choices).toMatchObject([{ index: 0, delta: { role: 'assistant' } }])
  expect(others.length).toBeGreaterThan(3)
  for (const one of others) expect(one).not.toHaveProperty('dropped_messages')
  expect(notes).toContain('left out: 1-')
})

test('more stays with a higher ratio, and more is dropped for a longer reply', async () => {
  const counts = await Promise.all(
    [
      { truncation: { type: 'retention_ratio', retention_ratio: 0.1 } },
      { truncation: { type: 'retention_ratio', retention_ratio: 0.6 } },
      { truncation: { type: 'retention_ratio', retention_ratio: 1 } },
      { truncation: { type: 'retention_ratio', retention_ratio: 1 }, max_tokens: 10 },
    ].map(async (body) => (await ask(body)).messages.length),
  )
  expect(counts).toEqual([...counts].sort((a, b) => a - b))
  expect(new Set(counts).size).toBe(4)
})

test('nothing is told where all fits, and nothing is dropped unless it is asked for', async () => {
  const messages = long.slice(0, 4)
  for (const body of [
    { truncation: 'auto', messages },
    { truncation: 'disabled', messages },
    { truncation: null, messages },
  ]) {
    const { status, notes, text } = await ask({ ...body, stream: false })
    expect([status, notes]).toEqual([200, null])
    expect(JSON.parse(text)).not.toHaveProperty('dropped_messages')
  }
  for (const body of [{}, { truncation: 'disabled' }, { truncation: { type: 'disabled' } }]) {
    expect((await ask(body)).messages).toHaveLength(long.length)
  }
})

test.each(['middle', true, 7, [], { type: 'retention_ratio' }, { type: { type: 'auto' } }])(
  'truncation %j is refused by its name',
  async (truncation) => {
    const { status, text } = await ask({ truncation })
    expect(status).toBe(400)
    expect(JSON.parse(text).error).toMatchObject({ param: 'truncation' })
  },
)

test('what must stay and does not fit is the error of a context that is too short', async () => {
  const messages = [...long, { role: 'user', content: 'x'.repeat(context) }]
  const { status, text, notes } = await ask({ truncation: 'auto', messages })
  expect(status).toBe(400)
  expect(notes).toBeNull()
  expect(JSON.parse(text).error).toMatchObject({
    param: 'messages',
    code: 'context_length_exceeded',
    message: expect.stringContaining('a context of 1000 has room for 750'),
  })
})
