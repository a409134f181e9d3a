import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openAiSchema } from '../../scripts/openai-schema.mjs'
import { alsoClose, chat, closeAfterEach, serve } from '../support/serve.js'
import { answers } from '../support/wire/routes.js'
import { expectOpenAiShape, schemaFile, shapeProblem } from '../support/wire/shapes.js'
import { tapWire } from '../support/wire/tap.js'

// The judge itself: where its schemas come from, and that it does refuse.

closeAfterEach()

const head = { id: 'chatcmpl-1', created: 1, model: 'm' }
const chunk = (choice: object) => ({
  ...head,
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: {}, finish_reason: null, ...choice }],
})

test('the schemas are those of the installed openai package', () => {
  const now = openAiSchema()
  expect(now === readFileSync(schemaFile, 'utf8'), 'run: node scripts/openai-schema.mjs').toBe(true)
})

test.each([
  ['a field too many', { text: '' }, /additional properties \('text'\)/],
  ['a field too many in the delta', { delta: { text: '' } }, /additional properties \('text'\)/],
  ['a field of another type', { delta: { content: 7 } }, /delta\/content must be string/],
  ['an unheard finish reason', { finish_reason: 'tired' }, /finish_reason must be/],
  ['an empty finish reason', { finish_reason: '' }, /finish_reason must be/],
  ['a missing field', { index: undefined }, /must have required property 'index'/],
])('a chunk with %s is refused', (_, choice, problem) => {
  expect(shapeProblem('ChatCompletionChunk', chunk({}))).toBe('')
  const wrong: unknown = JSON.parse(JSON.stringify(chunk(choice)))
  expect(shapeProblem('ChatCompletionChunk', wrong)).toMatch(problem)
})

test('an error has its four fields, and no fifth', () => {
  const error = { message: 'm', type: 't', param: null, code: null }
  expectOpenAiShape('ErrorBody', { error })
  expect(shapeProblem('ErrorBody', { error: { ...error, status: 400 } })).toContain("'status'")
  expect(shapeProblem('ErrorBody', { error: { message: 'm', type: 't', param: null } })).toContain(
    "'code'",
  )
})

test('every endpoint of the server is listed with its shapes', async () => {
  const { url } = await serve()
  const { error } = (await (await fetch(`${url}/nowhere`)).json()) as { error: { message: string } }
  const listed = /expected one of: (.*)\.$/.exec(error.message)?.[1]?.split(', ')
  expect(listed?.length).toBeGreaterThan(3)
  expect(Object.keys(answers).sort()).toEqual(listed?.sort())
})

test.each([
  ['{"id":1}', 'application/json', /'choices'/],
  ['{"id":1', 'application/json', /not JSON/],
  ['data: {"id":1}\n\n', 'text/event-stream', /'choices'/],
  ['data: {"id":1}\n', 'text/event-stream', /within a frame/],
  ['data: [DONE]\n\n: ping\n\n', 'text/event-stream', /after \[DONE\]/],
  ['event: x\ndata: {}\n\n', 'text/event-stream', /no frame of one JSON line/],
])(
  'the shape %j sent as %s is found out, whichever server sent it',
  async (body, type, problem) => {
    const server = createServer((_, res) => {
      res.setHeader('content-type', type)
      res.write(body.slice(0, 5))
      res.end(Buffer.from(body.slice(5)))
    })
    const problems = tapWire(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    alsoClose(async () => void server.close())
    await (await chat(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '{}')).text()
    expect(problems().join('\n')).toMatch(problem)
  },
)
