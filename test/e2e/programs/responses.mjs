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
  tells,
  thought,
  thrown,
  where,
} from './checks.mjs'

// The official client's responses, with all of its helpers.

const openai = await from('openai')
const { zodResponsesFunction, zodTextFormat } = await from('openai/helpers/zod')
const { OpenAI } = openai

const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 })
const text = { format: zodTextFormat(form, 'weather') }
const weather = zodResponsesFunction({ name: 'get_weather', description: tells, parameters: where })
const body = { model: 'default', input: question, tools: [weather] }

/** What a call is answered with. */
function toldOf({ output }) {
  const call = output.find(({ type }) => type === 'function_call')
  assert.equal(call.name, 'get_weather')
  return { type: 'function_call_output', call_id: call.call_id, output: 'sunny' }
}

function checkCalled({ status, output }) {
  assert.equal(status, 'completed')
  const [reasoning, call] = output
  assert.equal(reasoning.content[0].text.trim(), thought)
  assert.deepEqual(call.parsed_arguments, { city })
}

await runChecks({
  async 'a call is parsed, answered, and a form is parsed after it'() {
    const first = await client.responses.parse({ ...body, text })
    checkCalled(first)
    const user = { role: 'user', content: question }
    const input = [user, ...first.output, toldOf(first)]
    const second = await client.responses.parse({ ...body, input, text })
    assert.deepEqual(second.output_parsed, answer)
    assert.equal(second.output_text, second.output.at(-1).content[0].text)
    assert.ok(second.usage.input_tokens_details.cached_tokens > 0)
    assert.ok(second.usage.output_tokens_details.reasoning_tokens > 0)
  },

  async 'the stream helper says the same'() {
    const heard = { names: new Set(), text: '', json: '' }
    const stream = client.responses.stream({ ...body, text })
    stream.on('event', ({ type }) => heard.names.add(type))
    stream.on('response.function_call_arguments.delta', ({ delta, snapshot }) => {
      heard.json += delta
      assert.equal(snapshot, heard.json)
    })
    const first = await stream.finalResponse()
    checkCalled(first)
    assert.deepEqual(JSON.parse(heard.json), { city })
    assert.ok(heard.names.has('response.reasoning_text.delta'))
    const input = [toldOf(first)]
    const follow = { ...body, input, text, previous_response_id: first.id }
    const again = client.responses.stream(follow)
    again.on('response.output_text.delta', ({ delta, snapshot }) => {
      heard.text += delta
      assert.equal(snapshot, heard.text)
    })
    const second = await again.finalResponse()
    assert.deepEqual(second.output_parsed, answer)
    assert.equal(second.output_text, heard.text)
  },

  async 'reasoning comes back as a summary, or sealed'() {
    const asked = {
      ...body,
      store: false,
      reasoning: { summary: 'auto' },
      include: ['reasoning.encrypted_content'],
    }
    const first = await client.responses.create(asked)
    const [reasoning] = first.output
    assert.equal(reasoning.summary[0].text.trim(), thought)
    const sealed = { ...reasoning, summary: [] }
    const input = [{ role: 'user', content: question }, sealed, first.output[1], toldOf(first)]
    const second = await client.responses.parse({ ...asked, input, text })
    assert.deepEqual(second.output_parsed, answer)
  },

  async 'a response is kept, listed and deleted'() {
    const { id } = await client.responses.create(body)
    assert.equal((await client.responses.retrieve(id)).id, id)
    const types = []
    for await (const { type } of client.responses.inputItems.list(id)) types.push(type)
    assert.deepEqual(types, ['message'])
    await client.responses.delete(id)
    assert.ok((await thrown(client.responses.retrieve(id))) instanceof openai.NotFoundError)
  },

  async 'the tokens of an input are those of its response'() {
    const { input_tokens } = await client.responses.inputTokens.count(body)
    const { usage } = await client.responses.create({ ...body, max_output_tokens: 1 })
    assert.equal(input_tokens, usage.input_tokens)
  },

  async 'a cut reply is incomplete'() {
    const stream = client.responses.stream({ ...body, max_output_tokens: 5 })
    const { status, incomplete_details } = await stream.finalResponse()
    assert.deepEqual([status, incomplete_details?.reason], ['incomplete', 'max_output_tokens'])
  },

  async 'who leaves hears of it'() {
    const stream = client.responses.stream(body)
    stream.once('event', () => stream.abort())
    assert.ok((await thrown(stream.done())) instanceof openai.APIUserAbortError)
  },

  async 'refusals have their classes, with the field at fault'() {
    const create = (more) => client.responses.create({ ...body, ...more })
    const wrong = await thrown(create({ top_p: 2 }))
    assert.ok(wrong instanceof openai.BadRequestError)
    assert.equal(wrong.param, 'top_p')
    const lost = await thrown(create({ previous_response_id: 'resp_none' }))
    assert.equal(lost.code, 'previous_response_not_found')
    const streamed = await thrown(client.responses.stream({ ...body, top_p: 2 }).finalResponse())
    assert.equal(streamed.param, 'top_p')
  },
})
