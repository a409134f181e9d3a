// ChatOpenAI of LangChain, streamed.
import { from } from '../../../e2e/programs/checks.mjs'
import { ask, runWays, schema } from './ways.mjs'

const { ChatOpenAI } = await from('@langchain/openai')
const tools = [
  { type: 'function', function: { name: 'get_weather', description: 'tells', parameters: schema } },
]

async function run(at) {
  const { seen, signal } = at
  const configuration = { baseURL: `${at.base}/v1` }
  const model = new ChatOpenAI({ model: 'm', apiKey: 'none', configuration }).bindTools(tools)
  let all
  for await (const chunk of await model.stream(ask, { signal })) {
    all = all === undefined ? chunk : all.concat(chunk)
    if (chunk.content) at.text(chunk.content)
    if (all.response_metadata.finish_reason) seen.finish = all.response_metadata.finish_reason
  }
  const { tool_calls = [], invalid_tool_calls = [] } = all
  const calls = [
    ...tool_calls.map(({ args }) => JSON.stringify(args)),
    ...invalid_tool_calls.map(({ args }) => `${args} (invalid)`),
  ]
  if (calls.length > 0) seen.calls = calls
}

await runWays({ 'stream()': { wire: 'chat', run } })
