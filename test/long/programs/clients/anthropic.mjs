// Anthropic's SDK: the plain loop and the helper of streams.
import { from } from '../../../e2e/programs/checks.mjs'
import { ask, note, runWays, schema } from './ways.mjs'

const { default: Anthropic } = await from('@anthropic-ai/sdk')

const tools = [{ name: 'get_weather', description: 'tells', input_schema: schema }]
const body = { model: 'm', max_tokens: 99, messages: ask, tools }
const clientOf = ({ base }) => new Anthropic({ apiKey: 'none', baseURL: base })

function takeEvent(at, event) {
  const { seen } = at
  const { type, delta } = event
  if (delta?.type === 'text_delta') at.text(delta.text)
  else if (delta?.type === 'input_json_delta') note(seen, 'calls', delta.partial_json)
  else if (type === 'message_delta') seen.finish = delta.stop_reason
  else if (!/^(message|content_block)_/.test(type)) {
    note(seen, 'others', type ?? JSON.stringify(event))
  }
}

async function loop(at) {
  const stream = await clientOf(at).messages.create(
    { ...body, stream: true },
    { signal: at.signal },
  )
  for await (const event of stream) takeEvent(at, event)
}

async function helper(at) {
  const { seen, signal } = at
  const stream = clientOf(at).messages.stream(body, { signal })
  stream.on('text', (piece) => at.text(piece))
  const { content, stop_reason } = await stream.finalMessage()
  seen.finish = stop_reason
  seen.text = content.map(({ text = '' }) => text).join('')
  const calls = content.filter(({ type }) => type === 'tool_use')
  if (calls.length > 0) seen.calls = calls.map(({ input }) => JSON.stringify(input))
}

await runWays({
  loop: { wire: 'messages', run: loop },
  'stream()': { wire: 'messages', run: helper },
})
