// LangChain.js with our own chat model and embeddings, in process: `PROGRAM FOLDER MODEL ENCODER`.
import assert from 'node:assert/strict'
import { load } from 'sluice'
import { ChatSluice, SluiceEmbeddings } from 'sluice/langchain'
import {
  answer,
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

const { HumanMessage, SystemMessage, ToolMessage, AIMessage } = await from(
  '@langchain/core/messages',
)
const { tool } = await from('@langchain/core/tools')

const [file, encoder] = process.argv.slice(3)
const window = 16
const settings = { model: file, context: 32_768, parallel: 2, queue: 0, kvType: 'q8_0', window }
const engine = await load(settings)
const model = new ChatSluice({ engine })
const human = new HumanMessage(question)

const isIdle = ({ running, parked, queued }) => running + parked + queued === 0

async function until(look) {
  for (let i = 0; !look(engine.stats()); i++) {
    assert.ok(i < 2_000, JSON.stringify(engine.stats()))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const invoked = (model, messages, options) => model.invoke(messages, options)

async function streamed(model, messages, options) {
  let whole
  for await (const chunk of await model.stream(messages, options)) {
    whole = whole?.concat(chunk) ?? chunk
  }
  return whole
}

/** Calls a tool, answers it, and goes on. @returns the last message */
async function goesOn(ask, options = {}) {
  const { asked, ask: answerOf } = weather()
  const about = { name: 'get_weather', description: tells, schema: where }
  const get_weather = tool(async (it) => answerOf(it), about)
  const bound = model.bindTools([get_weather])
  const first = await ask(bound, [human], options)
  assert.deepEqual(
    first.tool_calls.map(({ name, args }) => [name, args]),
    [['get_weather', { city }]],
  )
  assert.equal(first.text, '')
  assert.equal(first.response_metadata.finish_reason, 'tool_calls')
  const result = await get_weather.invoke({ ...first.tool_calls[0], type: 'tool_call' })
  assert.deepEqual(asked, [city])
  const last = await ask(bound, [human, first, result], options)
  for (const { additional_kwargs, usage_metadata } of [first, last]) {
    assert.equal(additional_kwargs.reasoning_content.trim(), thought)
    assert.ok(usage_metadata.input_tokens > 0 && usage_metadata.output_tokens > 0)
  }
  const { input_tokens, input_token_details } = last.usage_metadata
  assert.ok(input_token_details.cache_read >= first.usage_metadata.input_tokens)
  assert.ok(input_token_details.cache_read < input_tokens)
  return last
}

await runChecks({
  async 'a tool is called, and the text after it ends at the stop string'() {
    for (const ask of [invoked, streamed]) {
      const last = await goesOn(ask, { stop: [stop] })
      assert.equal(last.text.trim(), JSON.stringify(answer).split(stop)[0].trim())
      assert.equal(last.response_metadata.finish_reason, 'stop')
    }
  },

  async 'structured output of each method'() {
    const told = `It is sunny in ${city}.`
    for (const method of [undefined, 'jsonSchema', 'jsonMode']) {
      const formed = model.withStructuredOutput(form, { method })
      assert.deepEqual(await formed.invoke(told), answer)
    }
    const plain = model.withStructuredOutput(z.toJSONSchema(form), { includeRaw: true })
    const { parsed, raw } = await plain.invoke(told)
    assert.deepEqual(parsed, answer)
    assert.ok(raw.usage_metadata.output_tokens > 0)
    const calls = model.withStructuredOutput(where, {
      name: 'get_weather',
      method: 'functionCalling',
    })
    assert.deepEqual(await calls.invoke(question), { city })
  },

  async 'a choice of tools is kept to'() {
    const other = { name: 'other', description: 'Else', schema: where }
    const tools = ['get_weather', 'other'].map((name) => tool(async () => '', { ...other, name }))
    const forced = model.bindTools(tools, { tool_choice: 'other' })
    const { tool_calls } = await forced.invoke([human], {
      chat: { maxTokens: 400, reasoning: { budget: 0 } },
    })
    assert.equal(tool_calls[0].name, 'other')
    const none = await model.bindTools(tools, { tool_choice: 'none' }).invoke([human])
    assert.deepEqual(none.tool_calls, [])
    const wrong = await thrown(model.bindTools(tools, { tool_choice: { type: 'x' } }).invoke('a'))
    assert.match(wrong.message, /^'tool_choice': expected/)
  },

  async 'the text is the one of engine.chat() at the same seed, whole and streamed'() {
    const chat = { temperature: 3, seed: 7, maxTokens: 60 }
    const own = await engine.chat([{ role: 'user', content: question }], chat).done
    const wild = new ChatSluice({ engine, chat })
    for (const ask of [invoked, streamed]) {
      const { text, additional_kwargs } = await ask(wild, [human])
      assert.equal(additional_kwargs.reasoning_content + text, own.reasoning + own.text)
    }
    const cut = await wild.invoke([human], { chat: { maxTokens: 4 } })
    assert.equal(cut.response_metadata.finish_reason, 'length')
  },

  async 'messages of each kind are told'() {
    const messages = [
      new SystemMessage('Be brief.'),
      new HumanMessage({ content: [{ type: 'text', text: question }] }),
      new AIMessage({
        content: '',
        tool_calls: [{ id: 'a', name: 'get_weather', args: { city } }],
      }),
      new ToolMessage({ content: 'sunny', tool_call_id: 'a' }),
    ]
    const { usage_metadata } = await model.invoke(messages)
    const expected = await engine.countTokens([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: question },
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ id: 'a', name: 'get_weather', arguments: { city } }],
      },
      { role: 'tool', toolCallId: 'a', content: 'sunny' },
    ])
    assert.equal(usage_metadata.input_tokens, expected)
    const image = [{ type: 'image_url', image_url: { url: 'data:,' } }]
    const refused = await thrown(model.invoke([new HumanMessage({ content: image })]))
    assert.match(refused.message, /images are not read yet/)
  },

  async 'who stops reading has the reply parked, and who leaves ends it'() {
    const leave = new AbortController()
    const chat = { ignoreEos: true, maxTokens: 20_000 }
    const stream = await model.stream([human], { signal: leave.signal, chat })
    const reader = stream[Symbol.asyncIterator]()
    await reader.next()
    await until(({ parked }) => parked === 1)
    leave.abort(new Error('enough'))
    await until(isIdle)
    assert.ok(
      await thrown(
        (async () => {
          while (!(await reader.next()).done);
        })(),
      ),
    )
    const gone = new AbortController()
    const cut = thrown(model.invoke([human], { signal: gone.signal, chat }))
    await until(({ running }) => running === 1)
    gone.abort()
    assert.match((await cut).name, /Abort/)
    await until(isIdle)
  },

  async 'what is wrong is refused by the engine’s own error'() {
    const wrong = await thrown(model.invoke([human], { chat: { topP: 2 } }))
    assert.equal(wrong.code, 'ERR_INVALID_OPTION')
  },

  async 'texts are embedded as by the engine'() {
    const embeds = await load({ model: encoder })
    const embeddings = new SluiceEmbeddings({ engine: embeds })
    const { embeddings: own } = await embeds.embed(['a fox', 'a hare'])
    const documents = await embeddings.embedDocuments(['a fox', 'a hare'])
    const query = await embeddings.embedQuery('a fox')
    // Of the last digits which texts shared a batch decides.
    const isNear = (vector, other) => vector.every((one, i) => Math.abs(one - other[i]) < 1e-4)
    assert.ok(isNear(documents[0], own[0]) && isNear(documents[1], own[1]) && isNear(query, own[0]))
    assert.equal(query.length, own[0].length)
    await embeds.close()
  },
})
