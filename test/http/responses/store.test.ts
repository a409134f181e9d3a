import OpenAI, { BadRequestError, NotFoundError } from 'openai'
import { describe, expect, test } from 'vitest'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { closeAfterEach, postJson, type ServeOptions, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import {
  askResponse,
  keeping,
  outputText,
  respond,
  responsesPath,
  type WireResponse,
} from '../../support/wire/responses.js'

// Responses that the server keeps, over the fake and with the official client.

closeAfterEach()

async function kept(options: ServeOptions = {}) {
  const served = await serve({ ...options, server: { ...keeping, ...options.server } })
  const baseURL = `${served.url}/v1`
  const client = (apiKey = 'any') => new OpenAI({ apiKey, baseURL, maxRetries: 0 })
  return { ...served, client }
}

function told(request: NativeRequest | undefined): [role: string, content: string][] {
  const { messages } = (request as NativeRequest).prompt as NativeChat
  return messages.map(({ role, content }) => [role, content])
}

const model = 'default'
const reply = 'Once upon a time.'

test('a response follows another by its id, with its own instructions', async () => {
  const { native, client } = await kept()
  const { responses } = client()
  const first = await responses.create({ model, input: 'A', instructions: 'Be brief.' })
  const second = await responses.create({ model, input: 'B', previous_response_id: first.id })
  const third = await responses.create({
    model,
    input: [{ role: 'user', content: 'C' }],
    instructions: 'Rhyme.',
    previous_response_id: second.id,
  })
  expect(third.previous_response_id).toBe(second.id)
  expect(told(native.submitted[1])).toEqual([
    ['user', 'A'],
    ['assistant', reply],
    ['user', 'B'],
  ])
  expect(told(native.submitted[2])).toEqual([
    ['system', 'Rhyme.'],
    ['user', 'A'],
    ['assistant', reply],
    ['user', 'B'],
    ['assistant', reply],
    ['user', 'C'],
  ])
  // One may be followed twice.
  await responses.create({ model, input: 'D', previous_response_id: first.id })
  expect(told(native.submitted[3]).at(-1)).toEqual(['user', 'D'])
  expect(told(native.submitted[3])).toHaveLength(3)
})

test('a response is kept as its stream’s last event had it', async () => {
  const { client } = await kept()
  const stream = client().responses.stream({ model, input: 'A', max_output_tokens: 2 })
  const { output_parsed: _, ...final } = await stream.finalResponse()
  expect(final.status).toBe('incomplete')
  const again = await client().responses.retrieve(final.id)
  expect(again.output_text).toBe('Once upon')
  expect(again.usage).toEqual(final.usage)
  expect(again.incomplete_details).toEqual({ reason: 'max_output_tokens' })
})

describe(wireCheck(52), () => {
  test('a response is deleted, and those that followed it stay whole', async () => {
    const { client, native } = await kept()
    const { responses } = client()
    const first = await responses.create({ model, input: 'A' })
    const second = await responses.create({ model, input: 'B', previous_response_id: first.id })
    await responses.delete(first.id)
    await expect(responses.retrieve(first.id)).rejects.toBeInstanceOf(NotFoundError)
    await expect(responses.delete(first.id)).rejects.toMatchObject({ code: 'response_not_found' })
    await responses.create({ model, input: 'C', previous_response_id: second.id })
    expect(told(native.submitted[2]).map(([, content]) => content)).toEqual([
      'A',
      reply,
      'B',
      reply,
      'C',
    ])
  })

  test('a response is its key’s alone', async () => {
    const { client, url } = await kept({ server: { apiKeys: ['one', 'two'] } })
    const { responses } = client('one')
    const { id, output } = await responses.create({ model, input: 'A' })
    expect((await responses.retrieve(id)).id).toBe(id)
    const other = client('two').responses
    await expect(other.retrieve(id)).rejects.toBeInstanceOf(NotFoundError)
    await expect(other.delete(id)).rejects.toBeInstanceOf(NotFoundError)
    await expect(other.inputItems.list(id)).rejects.toBeInstanceOf(NotFoundError)
    await expect(
      other.create({ model, input: 'B', previous_response_id: id }),
    ).rejects.toMatchObject({ status: 400, code: 'previous_response_not_found' })
    await expect(
      other.create({ model, input: [{ type: 'item_reference', id: output[0]?.id as string }] }),
    ).rejects.toBeInstanceOf(BadRequestError)
    expect((await fetch(`${url}${responsesPath}/${id}`)).status).toBe(401)
    expect((await responses.retrieve(id)).id).toBe(id)
  })
})

test('the items of a response that is deleted cannot be referred to', async () => {
  const { client } = await kept()
  const { responses } = client()
  const first = await responses.create({ model, input: 'A' })
  const second = await responses.create({ model, input: 'B', previous_response_id: first.id })
  const refer = (id = '') => {
    return responses.create({ model, store: false, input: [{ type: 'item_reference', id }] })
  }
  await refer(first.output[0]?.id)
  await responses.delete(first.id)
  await expect(refer(first.output[0]?.id)).rejects.toMatchObject({ code: 'item_not_found' })
  await refer(second.output[0]?.id)
  const listed = await responses.inputItems.list(second.id)
  expect(listed.data).toHaveLength(3)
})

test('the items of an input are listed page by page, those before it too', async () => {
  const { client } = await kept()
  const { responses } = client()
  const first = await responses.create({ model, input: 'A' })
  const second = await responses.create({
    model,
    previous_response_id: first.id,
    input: [
      { type: 'function_call', call_id: 'a', name: 'run', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: 'done' },
      { type: 'reasoning', id: 'rs_x', summary: [] },
      { type: 'custom_tool_call', call_id: 'b', name: 'sh', input: 'ls' },
      { type: 'custom_tool_call_output', call_id: 'b', output: 'x' },
      { role: 'assistant', content: 'Well.' },
      { role: 'user', content: [{ type: 'input_text', text: 'B' }] },
    ],
  })
  const types: string[] = []
  const ids = new Set<string>()
  const query = { order: 'asc', limit: 2 } as const
  for await (const item of responses.inputItems.list(second.id, query)) {
    types.push(item.type)
    ids.add(item.id as string)
  }
  expect(types).toEqual([
    'message',
    'message',
    'function_call',
    'function_call_output',
    'reasoning',
    'custom_tool_call',
    'custom_tool_call_output',
    'message',
    'message',
  ])
  expect(ids.size).toBe(types.length)
  const latest = await responses.inputItems.list(second.id)
  expect(latest.data.map(({ type }) => type)).toEqual(types.reverse())
  expect(latest.data[0]).toMatchObject({ role: 'user', content: [{ text: 'B' }] })
  expect(latest.data[1]).toMatchObject({ role: 'assistant', content: [{ type: 'output_text' }] })
})

describe('a reference to an item', () => {
  test('stands for the item, of an input or an output', async () => {
    const { url, native } = await kept()
    const input = [{ role: 'user', content: 'A', id: 'msg_mine', type: 'message' }]
    const { output } = await respond(url, { input })
    const references = [
      { type: 'item_reference', id: 'msg_mine' },
      { id: output[0]?.id },
      { role: 'user', content: 'B' },
    ]
    const second = await respond(url, { input: references })
    expect(told(native.submitted[1])).toEqual([
      ['user', 'A'],
      ['assistant', reply],
      ['user', 'B'],
    ])
    // What was referred to is kept with the response that it made.
    await respond(url, { input: 'C', previous_response_id: second.id })
    expect(told(native.submitted[2])).toHaveLength(5)
  })

  test('that is not there is refused by its place', async () => {
    const { url } = await kept()
    const input = [
      { role: 'user', content: 'A' },
      { type: 'item_reference', id: 'msg_none' },
    ]
    const response = await askResponse(url, { input })
    expect(response.status).toBe(400)
    const message = "'input[1]': expected an item, but there is no 'msg_none' to refer to."
    const error = { param: 'input[1]', code: 'item_not_found', message }
    expect(await response.json()).toMatchObject({ error })
  })
})

test('nothing is kept of a response with `store: false` or of one that failed', async () => {
  const end = { code: 'ERR_ENGINE_FAILED' as const, message: 'llama.cpp failed' }
  const failing = (request: NativeRequest) => {
    const isBad = told(request)[0]?.[1] === 'fail'
    return { tokens: ['Once'], ...(isBad ? { end } : {}) }
  }
  const { client, url } = await kept({ script: failing })
  const { responses } = client()
  const unkept = await responses.create({ model, input: 'A', store: false })
  await expect(responses.retrieve(unkept.id)).rejects.toBeInstanceOf(NotFoundError)
  const failed = await (await askResponse(url, { input: 'fail', stream: true })).text()
  const id = /"id":"(resp_\w+)"/.exec(failed)?.[1] ?? ''
  expect(failed).toContain('response.failed')
  await expect(responses.retrieve(id)).rejects.toBeInstanceOf(NotFoundError)
})

describe('the bounds of what is kept', () => {
  test('are a number of responses: the one that was not used for the longest goes', async () => {
    const { url } = await kept({ server: { responseStore: 2 } })
    const ids: string[] = []
    const make = async () => ids.push((await respond(url, { input: 'A' })).id)
    const status = async (i: number) => (await fetch(`${url}${responsesPath}/${ids[i]}`)).status
    await make()
    await make()
    expect(await status(0)).toBe(200)
    await make()
    expect([await status(0), await status(1), await status(2)]).toEqual([200, 404, 200])
  })

  test('are a number of bytes', async () => {
    const { url } = await kept({ server: { responseStoreBytes: 10_000 } })
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.push((await respond(url, { input: 'x'.repeat(1500) })).id)
    const status = async (i: number) => (await fetch(`${url}${responsesPath}/${ids[i]}`)).status
    expect([await status(0), await status(1), await status(2)]).toEqual([404, 200, 200])
  })
})

describe('a conversation that has become too long to follow is refused', () => {
  test('by the bytes that a request may have', async () => {
    const server = { bodyBytesMax: 4000 }
    const { url } = await kept({ server, script: () => ({ tokens: ['x'.repeat(4000)] }) })
    const { id } = await respond(url, { input: 'A' })
    const response = await askResponse(url, { input: 'B', previous_response_id: id })
    expect(response.status).toBe(413)
    const error = { code: 'body_too_large', param: 'previous_response_id' }
    expect(await response.json()).toMatchObject({ error })
  })

  test('by the items that an input may have', async () => {
    const { url } = await kept()
    const input = Array(8191).fill({ role: 'user', content: 'A' })
    const { id } = await respond(url, { input })
    const response = await askResponse(url, { input: 'B', previous_response_id: id })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { param: 'input' } })
  })
})

describe('a server that keeps none', () => {
  test('takes `store: true`, and says so where a response is named', async () => {
    const { url } = await serve()
    const response = await askResponse(url, { input: 'A', store: true })
    expect(response.status).toBe(200)
    const made = (await response.json()) as WireResponse
    expect(outputText(made)).toBe(reply)
    const previous = await askResponse(url, { input: 'B', previous_response_id: made.id })
    expect(previous.status).toBe(400)
    expect(await previous.json()).toEqual({
      error: {
        message:
          "'previous_response_id': expected nothing, as this server keeps no responses " +
          '(responseStore); send the whole conversation as input.',
        type: 'invalid_request_error',
        param: 'previous_response_id',
        code: 'previous_response_not_found',
      },
    })
    for (const [method, path] of [
      ['GET', made.id],
      ['DELETE', made.id],
      ['GET', `${made.id}/input_items`],
    ] as const) {
      const gone = await fetch(`${url}${responsesPath}/${path}`, { method })
      expect(gone.status).toBe(404)
      const { error } = (await gone.json()) as { error: { code: string; message: string } }
      expect(error).toMatchObject({ code: 'response_not_found' })
      expect(error.message).toContain('keeps none (responseStore)')
    }
  })

  test('refuses a reference, and says what to do in the client or the server', async () => {
    const { url } = await serve()
    // As @ai-sdk/openai 4.0.118 sends the second step of a loop unless it is told otherwise.
    const input = [
      { role: 'user', content: [{ type: 'input_text', text: 'And in Paris?' }] },
      { type: 'item_reference', id: 'rs_1' },
      { type: 'function_call', call_id: 'a', name: 'get_weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: 'sunny' },
    ]
    for (const path of [responsesPath, `${responsesPath}/input_tokens`]) {
      const response = await postJson(url, path, { input })
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual({
        error: {
          message:
            "'input[1]': expected an item, but there is no 'rs_1' to refer to, as this server " +
            'keeps no responses; set `store: false` in the client, which then sends the items ' +
            'themselves, or start it with responseStore.',
          type: 'invalid_request_error',
          param: 'input[1]',
          code: 'item_not_found',
        },
      })
    }
  })

  test('takes what the same client sends with `store: false`', async () => {
    const { url, native } = await serve()
    const input = [
      { role: 'user', content: [{ type: 'input_text', text: 'And in Paris?' }] },
      { type: 'reasoning', id: 'rs_1', encrypted_content: 'sluice.SG0', summary: [] },
      { type: 'function_call', call_id: 'a', name: 'get_weather', arguments: '{}' },
      { type: 'function_call_output', call_id: 'a', output: 'sunny' },
    ]
    const response = await askResponse(url, { input, store: false })
    expect([response.status, response.headers.get('x-sluice-notes')]).toEqual([200, null])
    expect(native.submitted[0]?.prompt).toMatchObject({ messages: [{}, { reasoning: 'Hm' }, {}] })
  })
})
