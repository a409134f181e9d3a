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

const { default: Anthropic } = await from('@anthropic-ai/sdk')
const { betaZodTool } = await from('@anthropic-ai/sdk/helpers/beta/zod')
const { zodOutputFormat } = await from('@anthropic-ai/sdk/helpers/zod')

const settings = { apiKey, baseURL: baseURL.replace(/\/v1$/, ''), maxRetries: 0 }
const client = new Anthropic(settings)
const output_config = { format: zodOutputFormat(form) }
const tools = [{ name: 'get_weather', description: tells, input_schema: z.toJSONSchema(where) }]
const messages = [{ role: 'user', content: question }]
const body = { model: 'default', max_tokens: 1000, messages, stop_sequences: [stop] }

/** The conversation after the model has called and was told. */
async function told(more = {}) {
  const { content, stop_reason } = await client.messages.create({ ...body, tools, ...more })
  assert.equal(stop_reason, 'tool_use')
  const [thinking, call] = content
  if (more.thinking === undefined) assert.equal(thinking.thinking.trim(), thought)
  assert.deepEqual([call.name, call.input], ['get_weather', { city }])
  const result = { type: 'tool_result', tool_use_id: call.id, content: 'sunny' }
  return [...messages, { role: 'assistant', content }, { role: 'user', content: [result] }]
}

async function runTools(more) {
  const { asked, ask } = weather()
  const named = { name: 'get_weather', description: tells, inputSchema: where, run: ask }
  const runner = client.beta.messages.toolRunner({ ...body, tools: [betaZodTool(named)], ...more })
  const message = await runner.runUntilDone()
  assert.deepEqual(asked, [city])
  return message
}

const textOf = ({ content }) => content.find(({ type }) => type === 'text').text

await runChecks({
  async 'a tool runner goes on to a text, which ends at the stop sequence'() {
    for (const stream of [false, true]) {
      const message = await runTools({ stream })
      assert.equal(textOf(message), JSON.stringify(answer).split(stop)[0])
      assert.equal(message.stop_reason, 'stop_sequence')
      assert.equal(message.stop_sequence, stop)
    }
  },

  async 'a format is parsed beside thinking, tools and a stop sequence'() {
    const asks = [{ tools, tool_choice: { type: 'none' } }, { tools }, {}]
    for (const more of asks) {
      const asked = { ...body, ...more, messages: await told(), output_config }
      const whole = await client.messages.parse(asked)
      assert.equal(whole.stop_reason, 'end_turn')
      assert.deepEqual(whole.parsed_output, answer)
      assert.equal(whole.content[0].thinking.trim(), thought)
    }
  },

  async 'the stream helper hears of all of it'() {
    const heard = { thinking: '', text: '', json: '', blocks: [] }
    const helper = client.messages.stream({ ...body, tools })
    helper.on('thinking', (delta) => {
      heard.thinking += delta
    })
    helper.on('inputJson', (delta) => {
      heard.json += delta
    })
    helper.on('contentBlock', ({ type }) => heard.blocks.push(type))
    const final = await helper.finalMessage()
    assert.equal(heard.thinking.trim(), thought)
    assert.deepEqual(JSON.parse(heard.json), { city })
    assert.deepEqual(heard.blocks, ['thinking', 'tool_use'])
    assert.deepEqual(final.content[1].input, { city })
    assert.ok(final.usage.output_tokens > 0)
  },

  async 'thinking that is not shown goes on'() {
    const thinking = { type: 'adaptive', display: 'omitted' }
    const [, { content }] = await told({ thinking })
    assert.equal(content[0].thinking, '')
    assert.ok(content[0].signature.length > thought.length)
    const after = await client.messages.create({ ...body, messages: await told({ thinking }) })
    assert.equal(after.stop_reason, 'stop_sequence')
  },

  async 'tokens are counted as they are used'() {
    const { input_tokens } = await client.messages.countTokens({
      model: 'default',
      messages,
      tools,
    })
    const { usage } = await client.messages.create({ ...body, tools })
    assert.equal(usage.input_tokens + usage.cache_read_input_tokens, input_tokens)
    const { data } = await client.models.list()
    assert.ok(data[0].max_input_tokens > input_tokens)
  },

  async 'who leaves hears of it'() {
    const stream = client.messages.stream({ ...body, tools })
    stream.once('connect', () => stream.abort())
    assert.ok((await thrown(stream.done())) instanceof Anthropic.APIUserAbortError)
    const left = client.messages.create({ ...body, tools }, { signal: AbortSignal.abort() })
    assert.ok((await thrown(left)) instanceof Anthropic.APIUserAbortError)
  },

  async 'refusals have their classes'() {
    const wrong = await thrown(client.messages.create({ ...body, top_p: 2 }))
    assert.ok(wrong instanceof Anthropic.BadRequestError)
    assert.match(wrong.message, /'top_p'/)
    const stranger = new Anthropic({ ...settings, apiKey: 'wrong' })
    assert.ok((await thrown(stranger.models.list())) instanceof Anthropic.AuthenticationError)
    const lost = await thrown(client.messages.create({ ...body, model: 'claude-x' }))
    assert.ok(lost instanceof Anthropic.NotFoundError)
  },
})
