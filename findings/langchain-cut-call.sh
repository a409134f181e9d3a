#!/bin/sh
# Versions: @langchain/openai 1.6.0, @langchain/core 1.4.0 from npm, on Node 20.19 or later.
#
# A tool call that max_tokens cut in the middle of its arguments is a whole one to LangChain.js: it
# closes the text and the brackets, and puts the call among `tool_calls`, where an agent runs it, and
# not among `invalid_tool_calls`. That the reply was cut is left in response_metadata alone. Here a
# server sends `{"path": "/srv/da` and the finish reason "length".
#
# Seen on 2026-11-29:
#   tool_calls: [{"path":"/srv/da"}]
#   invalid_tool_calls: []
#   finish_reason: length
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
npm install --silent --no-save --ignore-scripts @langchain/openai@1.6.0 @langchain/core@1.4.0
cat > asks.mjs <<'EOF'
import http from 'node:http'
import { ChatOpenAI } from '@langchain/openai'

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }
const cut = { name: 'clear', arguments: '{"path": "/srv/da' }
const call = { index: 0, id: 'call_1', type: 'function', function: cut }
const chunks = [
  [{ index: 0, delta: { role: 'assistant', tool_calls: [call] }, finish_reason: null }],
  [{ index: 0, delta: {}, finish_reason: 'length' }],
].map((choices) => `data: ${JSON.stringify({ ...head, choices })}\n\n`)
const server = http.createServer((req, res) => {
  req.resume()
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.end(`${chunks.join('')}data: [DONE]\n\n`)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseURL = `http://127.0.0.1:${server.address().port}/v1`
const parameters = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }
const tool = { type: 'function', function: { name: 'clear', description: 'clears', parameters } }
const model = new ChatOpenAI({ model: 'm', apiKey: 'none', configuration: { baseURL } })
let message
for await (const chunk of await model.bindTools([tool]).stream('Clear it.')) {
  message = message === undefined ? chunk : message.concat(chunk)
}
const { tool_calls, invalid_tool_calls, response_metadata } = message
console.log('tool_calls:', JSON.stringify(tool_calls.map(({ args }) => args)))
console.log('invalid_tool_calls:', JSON.stringify(invalid_tool_calls.map(({ args }) => args)))
console.log('finish_reason:', response_metadata.finish_reason)
server.close()
server.closeAllConnections()
EOF
node asks.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
tool_calls: [{"path":"/srv/da"}]
invalid_tool_calls: []
finish_reason: length
EOF
cmp seen.txt expected.txt
