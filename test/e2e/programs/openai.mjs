import assert from 'node:assert/strict'
import {
  answer,
  apiKey,
  baseURL,
  city,
  form,
  from,
  question,
  runChecks,
  stop,
  tells,
  thought,
  thrown,
  weather,
  where,
} from './checks.mjs'

const openai = await from('openai')
const { zodFunction, zodResponseFormat } = await from('openai/helpers/zod')
const { OpenAI } = openai

const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 })
const body = { model: 'default', messages: [{ role: 'user', content: question }], stop: [stop] }
const response_format = zodResponseFormat(form, 'weather')
const tools = [zodFunction({ name: 'get_weather', description: tells, parameters: where })]

/** The conversation after the model has called and was told. */
async function told() {
  const { choices } = await client.chat.completions.parse({ ...body, tools, response_format })
  const { message, finish_reason } = choices[0]
  assert.equal(finish_reason, 'tool_calls')
  assert.equal(message.reasoning_content.trim(), thought)
  assert.deepEqual(message.tool_calls[0].function.parsed_arguments, { city })
  const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'sunny' }
  return [...body.messages, message, result]
}

async function runTools(more) {
  const { asked, ask } = weather()
  const tool = zodFunction({
    name: 'get_weather',
    description: tells,
    parameters: where,
    function: ask,
  })
  const runner = client.chat.completions.runTools({ ...body, tools: [tool], ...more })
  const content = await runner.finalContent()
  assert.deepEqual(asked, [city])
  return content
}

await runChecks({
  async 'a tool runner goes on to a text, which ends at the stop string'() {
    const text = JSON.stringify(answer).split(stop)[0]
    assert.equal(await runTools({}), text)
    assert.equal(await runTools({ stream: true }), text)
  },

  async 'a tool runner goes on to a form'() {
    assert.deepEqual(JSON.parse(await runTools({ response_format })), answer)
    assert.deepEqual(JSON.parse(await runTools({ response_format, stream: true })), answer)
  },

  async 'a form is parsed beside thoughts, tools and a stop string'() {
    const messages = await told()
    const asks = [{ tools, tool_choice: 'none' }, { tools }, {}]
    for (const more of asks) {
      const whole = await client.chat.completions.parse({
        ...body,
        ...more,
        messages,
        response_format,
      })
      const { message, finish_reason } = whole.choices[0]
      assert.equal(finish_reason, 'stop')
      assert.deepEqual(message.parsed, answer)
      assert.equal(message.reasoning_content.trim(), thought)
    }
  },

  async 'the stream helper hears of all of it'() {
    const messages = await told()
    const heard = []
    const helper = client.chat.completions.stream({ ...body, messages, tools, response_format })
    helper.on('content.done', ({ parsed }) => heard.push(parsed))
    const final = await helper.finalChatCompletion()
    assert.deepEqual(heard, [answer])
    assert.deepEqual(final.choices[0].message.parsed, answer)
    const calls = []
    const first = client.chat.completions.stream({ ...body, tools, response_format })
    first.on('tool_calls.function.arguments.done', (call) => calls.push(call.parsed_arguments))
    await first.done()
    assert.deepEqual(calls, [{ city }])
  },

  async 'two choices are two calls'() {
    const asked = { ...body, tools, response_format, n: 2 }
    const whole = await client.chat.completions.create(asked)
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion()
    for (const { choices } of [whole, streamed]) {
      const names = choices.map(({ message }) => message.tool_calls[0].function.name)
      assert.deepEqual(names, ['get_weather', 'get_weather'])
    }
  },

  async 'who leaves hears of it'() {
    const stream = client.chat.completions.stream({ ...body, tools })
    stream.once('chunk', () => stream.abort())
    assert.ok((await thrown(stream.done())) instanceof openai.APIUserAbortError)
    const signal = AbortSignal.abort()
    const left = client.chat.completions.create({ ...body, tools }, { signal })
    assert.ok((await thrown(left)) instanceof openai.APIUserAbortError)
  },

  async 'refusals have their classes, with the field at fault'() {
    const create = (more) => client.chat.completions.create({ ...body, ...more })
    const wrong = await thrown(create({ top_p: 2 }))
    assert.ok(wrong instanceof openai.BadRequestError)
    assert.equal(wrong.param, 'top_p')
    assert.equal(wrong.type, 'invalid_request_error')
    const named = { ...tools[0], function: { ...tools[0].function, parameters: { type: 'what' } } }
    const schema = await thrown(create({ tools: [named] }))
    assert.equal(schema.param, 'tools[0].function.parameters.type')
    assert.equal(schema.code, 'invalid_schema')
    const stranger = new OpenAI({ apiKey: 'wrong', baseURL, maxRetries: 0 })
    const refused = await thrown(stranger.models.list())
    assert.ok(refused instanceof openai.AuthenticationError)
    assert.equal(refused.code, 'invalid_api_key')
    const lost = await thrown(client.images.generate({ model: 'default', prompt: 'Hello' }))
    assert.ok(lost instanceof openai.NotFoundError)
  },

  async 'a queue that is full is waited for as long as is asked'() {
    const filling = ['1', '2', '3'].map((user) =>
      client.chat.completions.create({
        ...body,
        ignore_eos: true,
        stream: true,
        user,
        max_tokens: 20_000,
      }),
    )
    const streams = await Promise.allSettled(filling)
    const full = streams.find(({ status }) => status === 'rejected')?.reason
    assert.ok(full instanceof openai.RateLimitError)
    assert.equal(full.code, 'queue_full')
    const patient = new OpenAI({ apiKey, baseURL, maxRetries: 4 })
    const served = patient.chat.completions.create({ ...body, tools })
    setTimeout(() => {
      for (const { value } of streams) value?.controller.abort()
    }, 100)
    assert.equal((await served).choices[0].finish_reason, 'tool_calls')
  },
})
