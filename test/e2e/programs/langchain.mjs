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
  z,
} from './checks.mjs'

const { ChatOpenAI } = await from('@langchain/openai')
const { HumanMessage } = await from('@langchain/core/messages')
const { tool } = await from('@langchain/core/tools')

const schema = z.toJSONSchema(form)
const response_format = { type: 'json_schema', json_schema: { name: 'weather', schema } }
const human = new HumanMessage(question)

function modelOf(more = {}) {
  const configuration = { baseURL }
  return new ChatOpenAI({
    model: 'default',
    apiKey,
    maxRetries: 0,
    stop: [stop],
    configuration,
    ...more,
  })
}

/** A model with a tool, the tool, and what it was asked. */
function withTool(more = {}) {
  const { asked, ask } = weather()
  const get_weather = tool(async (it) => ask(it), {
    name: 'get_weather',
    description: tells,
    schema: where,
  })
  return { model: modelOf().bindTools([get_weather], more), get_weather, asked }
}

/** Releases up to 1.5 leave thoughts out. */
function hasThought(message) {
  const { reasoning_content: said } = message.additional_kwargs
  assert.ok(said === undefined || said.trim() === thought)
}

async function streamed(model, messages) {
  let whole
  for await (const chunk of await model.stream(messages)) whole = whole?.concat(chunk) ?? chunk
  return whole
}

async function goesOn(ask, more) {
  const { model, get_weather, asked } = withTool(more)
  const first = await ask(model, [human])
  assert.deepEqual(
    first.tool_calls.map(({ name, args }) => [name, args]),
    [['get_weather', { city }]],
  )
  assert.equal(first.text, '')
  hasThought(first)
  const result = await get_weather.invoke({ ...first.tool_calls[0], type: 'tool_call' })
  assert.deepEqual(asked, [city])
  const last = await ask(model, [human, first, result])
  hasThought(last)
  assert.equal(last.response_metadata.finish_reason, 'stop')
  return last.text.trim()
}

const invoked = (model, messages) => model.invoke(messages)

await runChecks({
  async 'a tool is called, and the text after it ends at the stop string'() {
    const text = JSON.stringify(answer).split(stop)[0].trim()
    assert.equal(await goesOn(invoked), text)
    assert.equal(await goesOn(streamed), text)
  },

  async 'a tool is called, and a form is filled after it'() {
    assert.deepEqual(JSON.parse(await goesOn(invoked, { response_format, strict: true })), answer)
    assert.deepEqual(JSON.parse(await goesOn(streamed, { response_format, strict: true })), answer)
  },

  async 'structured output of each method'() {
    // As it is known to the model that it was told.
    const told = `It is sunny in ${city}.`
    for (const method of ['jsonSchema', 'jsonMode']) {
      const model = modelOf().withStructuredOutput(form, { method, name: 'weather' })
      assert.deepEqual(await model.invoke(told), answer)
    }
  },

  async 'who leaves is heard of'() {
    const leave = new AbortController()
    const stream = await modelOf().stream(question, { signal: leave.signal })
    const read = async () => {
      for await (const _ of stream) leave.abort()
    }
    assert.match((await thrown(read())).message, /abort/i)
  },

  async 'refusals have their status'() {
    const wrong = await thrown(modelOf({ topP: 2 }).invoke(question))
    assert.equal(wrong.status, 400)
    assert.equal(wrong.param, 'top_p')
    assert.equal((await thrown(modelOf({ apiKey: 'wrong' }).invoke(question))).status, 401)
  },
})
