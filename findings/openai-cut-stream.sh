#!/bin/sh
# Versions: openai 6.49.0 and 7.59.0, @anthropic-ai/sdk 1.14.0 from npm, on Node 20.
#
# These clients make an error class of their own of every failure to connect, and try such a request
# again. A stream whose connection is reset after its first event ends in something else: the bare
# TypeError "terminated" of Node's fetch, which no `instanceof APIError` catches, and which is not
# tried again, whatever maxRetries says.
#
# Seen on 2026-11-29:
#   openai 6: TypeError "terminated", APIError false, 1 request
#   openai 7: TypeError "terminated", APIError false, 1 request
#   anthropic: TypeError "terminated", APIError false, 1 request
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
npm install --silent --no-save --ignore-scripts openai@6.49.0 openai-7@npm:openai@7.59.0 @anthropic-ai/sdk@1.14.0
cat > cut.mjs <<'EOS'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import OpenAI7 from 'openai-7'

let requests = 0
const server = createServer(async (req, res) => {
  requests++
  for await (const _ of req);
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  const first = req.url.includes('completions')
    ? 'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
    : 'event: ping\ndata: {"type":"ping"}\n\n'
  res.write(first)
  await sleep(200)
  req.socket.resetAndDestroy()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseURL = `http://127.0.0.1:${server.address().port}`
const messages = [{ role: 'user', content: 'x' }]
const shared = { apiKey: 'k', maxRetries: 2 }
const chat = (client) => client.chat.completions.create({ model: 'm', messages, stream: true })
const message = (client) => client.messages.create({ model: 'm', messages, max_tokens: 1, stream: true })
const clients = [
  ['openai 6', OpenAI, new OpenAI({ ...shared, baseURL: `${baseURL}/v1` }), chat],
  ['openai 7', OpenAI7, new OpenAI7({ ...shared, baseURL: `${baseURL}/v1` }), chat],
  ['anthropic', Anthropic, new Anthropic({ ...shared, baseURL }), message],
]
for (const [name, { APIError }, client, ask] of clients) {
  requests = 0
  let seen = 'no error'
  try {
    for await (const _ of await ask(client));
  } catch (error) {
    seen = `${error.constructor.name} "${error.message}", APIError ${error instanceof APIError}`
  }
  console.log(`${name}: ${seen}, ${requests} request${requests === 1 ? '' : 's'}`)
}
server.closeAllConnections()
server.close()
EOS
node cut.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'EOS'
openai 6: TypeError "terminated", APIError false, 1 request
openai 7: TypeError "terminated", APIError false, 1 request
anthropic: TypeError "terminated", APIError false, 1 request
EOS
cmp seen.txt expected.txt
