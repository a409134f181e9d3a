// The openai package: chats and responses, each by the plain loop and by the helper of streams.
import { from } from '../../../e2e/programs/checks.mjs'
import { ask, note, runWays, schema } from './ways.mjs'

const { default: OpenAI } = await from('openai')

const named = { name: 'get_weather', description: 'tells', parameters: schema }
const chatBody = {
  model: 'm',
  messages: ask,
  stream: true,
  tools: [{ type: 'function', function: named }],
}
const responseBody = {
  model: 'm',
  input: ask,
  stream: true,
  tools: [{ type: 'function', strict: false, ...named }],
}

const clientOf = ({ base }) => new OpenAI({ apiKey: 'none', baseURL: `${base}/v1` })

function finished(seen, reason) {
  if (typeof reason === 'string') seen.finish = seen.finish ? `${seen.finish}, ${reason}` : reason
}

async function chatLoop(at) {
  const { seen, signal } = at
  const stream = await clientOf(at).chat.completions.create(chatBody, { signal })
  for await (const chunk of stream) {
    if (chunk.choices === undefined) note(seen, 'others', JSON.stringify(chunk))
    for (const { delta, finish_reason } of chunk.choices ?? []) {
      for (const call of delta.tool_calls ?? []) note(seen, 'calls', call.function.arguments)
      finished(seen, finish_reason)
      if (delta.content) at.text(delta.content)
    }
  }
}

async function chatHelper(at) {
  const { seen, signal } = at
  const { stream: _, ...body } = chatBody
  const stream = clientOf(at).chat.completions.stream(body, { signal })
  stream.on('content.delta', ({ delta }) => at.text(delta))
  const { choices } = await stream.finalChatCompletion()
  seen.text = ''
  for (const { message, finish_reason } of choices) {
    seen.text += message.content ?? ''
    for (const call of message.tool_calls ?? []) note(seen, 'calls', call.function.arguments)
    finished(seen, finish_reason)
  }
}

async function responsesLoop(at) {
  const { signal } = at
  for await (const event of await clientOf(at).responses.create(responseBody, { signal })) {
    takeEvent(at, event)
  }
}

async function responsesHelper(at) {
  const { seen, signal } = at
  const { stream: _, ...body } = responseBody
  const stream = clientOf(at).responses.stream(body, { signal })
  for await (const event of stream) takeEvent(at, event)
  const { status } = await stream.finalResponse()
  seen.finish = status
}

function takeEvent(at, event) {
  const { seen } = at
  if (event.type === 'response.output_text.delta') at.text(event.delta)
  else if (event.type === 'response.function_call_arguments.done') {
    note(seen, 'calls', event.arguments)
  } else if (/^response\.(completed|incomplete|failed)$/.test(event.type)) {
    seen.finish = event.response.status
  } else if (!/^response\.(created|in_progress|output_|content_|function_)/.test(event.type)) {
    note(seen, 'others', event.type ?? JSON.stringify(event))
  }
}

await runWays({
  loop: { wire: 'chat', run: chatLoop },
  'stream()': { wire: 'chat', run: chatHelper },
  'loop of responses': { wire: 'responses', run: responsesLoop },
  'stream() of responses': { wire: 'responses', run: responsesHelper },
})
