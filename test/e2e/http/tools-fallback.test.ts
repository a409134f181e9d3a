import { describe, expect, test } from 'vitest'
import { randomModel } from '../../support/models/random-model.js'
import { turnModel } from '../../support/models/turn-model.js'
import { chat, closeAfterEach } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'
import { chunksOf } from '../../support/sse.js'
import { askMessages, blocksOf, eventsOf } from '../../support/wire/anthropic/messages.js'
import { askResponse, respond, streamed } from '../../support/wire/responses.js'

// A model whose chat template knows no tools, through each protocol that has some.

closeAfterEach()

const name = 'get_weather'
const city = 'Oslo (NO)'
const said = 'Let me look.\n'
const answer = 'It is as sunny in that city as it was.'
const written = `<tool_call>\n{"name": "${name}", "arguments": {"city": "${city}"}}\n</tool_call>`
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const question = { role: 'user', content: 'What is the weather like?' }

interface CallDelta {
  tool_calls?: { function?: { arguments?: string } }[]
}

function serve() {
  const turns = [
    { mark: city, reply: said + written },
    { mark: 'never said at all', reply: answer },
  ]
  return serveReal({ model: turnModel({ turns }), toolsFallback: true, context: 8192, window: 4 })
}

describe('tools that a chat template knows nothing of are called and answered', () => {
  test('by chat completions', async () => {
    const { url } = await serve()
    const tools = [{ type: 'function', function: { name, parameters: schema } }]
    const ask = async (messages: object[], stream = false) =>
      chat(url, { model: 'default', messages, tools, stream })
    const whole = (await (await ask([question])).json()) as {
      choices: [{ message: { content: string; tool_calls: { id: string }[] } }]
    }
    const { message } = whole.choices[0]
    expect(message).toMatchObject({
      content: said,
      tool_calls: [{ function: { name, arguments: `{"city": "${city}"}` } }],
    })
    const deltas = chunksOf(await (await ask([question], true)).text()).flatMap(
      ({ choices }) => (choices[0]?.delta as CallDelta | undefined)?.tool_calls ?? [],
    )
    const json = deltas.map((delta) => delta.function?.arguments ?? '').join('')
    expect(deltas.length).toBeGreaterThan(1)
    expect(JSON.parse(json)).toEqual({ city })
    const told = { role: 'tool', tool_call_id: message.tool_calls[0]?.id, content: 'sunny' }
    const last = await (await ask([question, message, told])).json()
    expect(last).toMatchObject({
      choices: [{ message: { content: answer }, finish_reason: 'stop' }],
    })
  })

  test('by Messages', async () => {
    const { url } = await serve()
    const tools = [{ name, input_schema: schema }]
    const ask = (messages: object[], stream: boolean) =>
      askMessages(url, { model: 'default', max_tokens: 500, messages, tools, stream })
    const { content } = (await (await ask([question], false)).json()) as { content: object[] }
    const use = { type: 'tool_use', id: expect.any(String), name, input: { city } }
    expect(content).toMatchObject([{ type: 'text', text: said }, use])
    const blocks = blocksOf(eventsOf(await (await ask([question], true)).text()))
    expect(blocks).toMatchObject([
      { type: 'text', text: said },
      { type: 'tool_use', name },
    ])
    const [, { id }] = content as [object, { id: string }]
    const result = { type: 'tool_result', tool_use_id: id, content: 'sunny' }
    const messages = [question, { role: 'assistant', content }, { role: 'user', content: [result] }]
    const last = await (await ask(messages, false)).json()
    expect(last).toMatchObject({ content: [{ type: 'text', text: answer }] })
  })

  test('by Responses', async () => {
    const { url } = await serve()
    const tools = [{ type: 'function', name, parameters: schema }]
    const first = await respond(url, { input: [question], tools })
    const call = { type: 'function_call', name, arguments: `{"city": "${city}"}` }
    expect(first.output).toMatchObject([{ type: 'message' }, call])
    const events = await streamed(url, { input: [question], tools })
    const deltas = events.filter(({ type }) => type === 'response.function_call_arguments.delta')
    expect(JSON.parse(deltas.map(({ delta }) => delta).join(''))).toEqual({ city })
    const { call_id } = first.output[1] as unknown as { call_id: string }
    const told = { type: 'function_call_output', call_id, output: 'sunny' }
    const last = await respond(url, { input: [question, ...first.output, told], tools })
    expect(last.output).toMatchObject([{ type: 'message', content: [{ text: answer }] }])
  })
})

describe('without the option a request with tools is refused, and told of it', () => {
  test.each([
    [
      'chat completions',
      (url: string) =>
        chat(url, {
          messages: [question],
          tools: [{ type: 'function', function: { name, parameters: schema } }],
        }),
    ],
    [
      'Messages',
      (url: string) =>
        askMessages(url, {
          model: 'default',
          max_tokens: 5,
          messages: [question],
          tools: [{ name, input_schema: schema }],
        }),
    ],
    [
      'Responses',
      (url: string) => askResponse(url, { input: [question], tools: [{ type: 'function', name }] }),
    ],
  ])('by %s', async (_, ask) => {
    const { url } = await serveReal({ model: randomModel() })
    const response = await ask(url)
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/knows no tools.*toolsFallback/)
  })
})
