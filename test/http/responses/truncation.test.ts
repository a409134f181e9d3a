import { expect, test } from 'vitest'
import { closeAfterEach, serve } from '../../support/serve.js'
import { askResponse, keeping, respond } from '../../support/wire/responses.js'

// What `truncation: "auto"` left out, told by the request's own places, over the fake, whose tokens
// are characters.

closeAfterEach()

const engine = { context: 1000 }
const auto = { truncation: 'auto', max_output_tokens: 4 }
const turn = (i: number) => [
  { role: 'user', content: `Question ${i}? ${'.'.repeat(60)}` },
  { type: 'function_call', call_id: `c${i}`, name: 'run', arguments: '{}' },
  { type: 'function_call', call_id: `d${i}`, name: 'run', arguments: '{}' },
  { type: 'function_call_output', call_id: `c${i}`, output: 'x'.repeat(60) },
  { type: 'function_call_output', call_id: `d${i}`, output: 'x'.repeat(60) },
  { role: 'assistant', content: `Answer ${i}. ${'.'.repeat(60)}` },
]
const last = { role: 'user', content: 'And now?' }

async function notesOf(url: string, body: object): Promise<string | null> {
  const response = await askResponse(url, body)
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  return response.headers.get('x-sluice-notes')
}

test('items are told by their numbers, though several are one message', async () => {
  const { url } = await serve({ engine })
  const input = [...Array.from({ length: 8 }, (_, i) => turn(i)).flat(), last]
  const notes = await notesOf(url, { ...auto, instructions: 'Be kind.', input })
  const [, to = ''] = /left out: input\[0\] to input\[(\d+)\]$/.exec(notes ?? '') ?? []
  expect(Number(to)).toBeGreaterThan(6)
  expect(input[Number(to)]).toMatchObject({ role: 'assistant' }) // turns go whole
  const messages = 8 * 5 + 2
  expect(notes).toMatch(new RegExp(`^input: \\d+ of ${messages} messages do not fit the context`))
})

test('what is of an earlier response is told by the field that names it', async () => {
  const { url } = await serve({ engine, server: keeping })
  const input = [...turn(0), ...turn(1)]
  const { id } = await respond(url, { ...auto, input: [...input, last] })
  const more = [...turn(2), ...turn(3), last]
  const some = await notesOf(url, { ...auto, input: [last], previous_response_id: id })
  expect(some).toBeNull()
  const notes = await notesOf(url, { ...auto, input: more, previous_response_id: id })
  expect(notes).toMatch(/left out: previous_response_id$|left out: previous_response_id to input/)
})
