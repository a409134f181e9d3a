import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { scriptModel } from '../../support/models/script-model.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'
import {
  askResponse,
  eventsOf,
  outputText,
  respond,
  responsesPath,
} from '../../support/wire/responses.js'

// POST /v1/responses on the real engine.

closeAfterEach()

const storyteller = path.resolve(import.meta.dirname, '../../../models/storyteller.gguf')
const input = 'Tell me a story about a fox'
const content = { role: 'user', content: input }

test('a following response computes only what is new', async () => {
  const { url } = await serveReal({ model: storyteller }, { responseStore: 4 })
  const first = await respond(url, { input, seed: 7, max_output_tokens: 40 })
  const second = await respond(url, { input: 'Go on', previous_response_id: first.id })
  const { input_tokens, input_tokens_details: details } = second.usage
  const before = first.usage.input_tokens + first.usage.output_tokens
  expect(details.cached_tokens).toBeGreaterThanOrEqual(before - 2)
  expect(input_tokens).toBeGreaterThan(before)
})

test('a text keeps to the schema of its format', async () => {
  const { url } = await serveReal({ model: storyteller })
  const properties = { kind: { enum: ['fox', 'bear'] }, age: { type: 'integer', maximum: 99 } }
  const schema = { type: 'object', properties, required: ['kind', 'age'] }
  const text = { format: { type: 'json_schema', name: 'animal', schema } }
  const response = await respond(url, { input, seed: 7, text })
  const parsed = JSON.parse(outputText(response)) as { kind: string; age: number }
  expect(['fox', 'bear']).toContain(parsed.kind)
  expect(parsed.age).toBeLessThanOrEqual(99)
  const any = await respond(url, { input, seed: 7, text: { format: { type: 'json_object' } } })
  expect(typeof JSON.parse(outputText(any))).toBe('object')
})

test('the logprobs of a text are those of its tokens', async () => {
  const { url } = await serveReal({ model: storyteller })
  const include = ['message.output_text.logprobs']
  const body = { input, seed: 7, include, top_logprobs: 2, max_output_tokens: 12 }
  const response = await respond(url, body)
  const logprobs = response.output[0]?.content?.[0]?.logprobs ?? []
  expect(logprobs).toHaveLength(12)
  const bytes = logprobs.flatMap((entry) => entry.bytes)
  expect(Buffer.from(bytes).toString()).toBe(outputText(response))
})

test('a conversation that outgrows the context is cut with `truncation: "auto"`', async () => {
  const { url } = await serveReal({ model: storyteller, context: 256 })
  const turn = [content, { role: 'assistant', content: 'Once upon a time. '.repeat(10) }]
  const long = [...Array(12).fill(turn).flat(), content]
  const refused = await askResponse(url, { input: long })
  expect(await refused.json()).toMatchObject({
    error: { code: 'context_length_exceeded', param: 'input' },
  })
  const cut = await askResponse(url, { input: long, truncation: 'auto', max_output_tokens: 4 })
  expect(cut.status).toBe(200)
  expect(cut.headers.get('x-sluice-notes')).toMatch(
    /^input: \d+ of 25 messages do not fit the context/,
  )
})

describe('a client that hangs up', () => {
  test('ends the generation within a step, and nothing is kept', async () => {
    const model = scriptModel({ reply: 'On and on it goes. ', repeat: true })
    const served = await serveReal({ model }, { responseStore: 4 })
    const raw = await served.client()
    raw.send(post(responsesPath, { input, stream: true }))
    await eventually(() => raw.text.includes('response.output_text.delta'))
    raw.socket.destroy()
    await served.quiet()
    expect(served.engine.stats()).toMatchObject({ cancelled: 1, finished: 0, failed: 0 })
    const [id] = /resp_\w+/.exec(raw.text) ?? ['']
    expect((await fetch(`${served.url}${responsesPath}/${id}`)).status).toBe(404)
  })
})

test('the reasoning and the calls of a real template are items', async () => {
  const { serveClients } = await import('../../support/client-server.js')
  const { url } = await serveClients()
  const parameters = { type: 'object', properties: { city: { type: 'string' } } }
  const tools = [{ type: 'function', name: 'get_weather', parameters }]
  const headers = { authorization: 'Bearer your-api-key' }
  const response = await askResponse(url, { input, tools, stream: true }, headers)
  const { output = [] } = eventsOf(await response.text()).at(-1)?.response ?? {}
  expect(output).toMatchObject([
    { type: 'reasoning', content: [{ text: expect.stringContaining('Shall I HALT? No.') }] },
    { type: 'function_call', name: 'get_weather', arguments: '{"city": "Oslo (NO)"}' },
  ])
})
