#!/bin/sh
# Versions: openai 6.49.0 and @anthropic-ai/sdk 1.14.0 from npm, on Node 20.
#
# Both clients tell a server their patience in the header X-Stainless-Timeout, in seconds. A server
# that would end work which nobody waits for cannot take it at its word. openai sends it only where
# the request has a timeout of its own, not where the client has one; Anthropic's sends it always.
# Both cut it to whole seconds, so that half a second is told as 0. And both stop their clock at the
# headers of the response: a stream goes on for longer than the timeout.
#
# Seen on 2026-11-29:
#   openai: of the client undefined, of the request 1, of 500 ms 0; a stream of 2 s, timeout 1 s: whole
#   anthropic: of the client 1, of the request 1, of 500 ms 0; a stream of 2 s, timeout 1 s: whole
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
npm install --silent --no-save --ignore-scripts openai@6.49.0 @anthropic-ai/sdk@1.14.0
cat > told.mjs <<'EOS'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'

let told
const server = createServer(async (req, res) => {
  told = req.headers['x-stainless-timeout']
  for await (const _ of req);
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.flushHeaders()
  if (req.headers['x-slow'] === 'yes') await sleep(2000)
  const isOpenAi = req.url.includes('completions')
  const last = isOpenAi
    ? 'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\ndata: [DONE]\n\n'
    : 'event: message_stop\ndata: {"type":"message_stop"}\n\n'
  res.end(last)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const baseURL = `http://127.0.0.1:${server.address().port}`
const messages = [{ role: 'user', content: 'x' }]
const shared = { apiKey: 'k', maxRetries: 0 }
const openai = (timeout) => new OpenAI({ ...shared, baseURL: `${baseURL}/v1`, timeout })
const anthropic = (timeout) => new Anthropic({ ...shared, baseURL, timeout })
const asks = {
  openai: (client, options) =>
    client.chat.completions.create({ model: 'm', messages, stream: true }, options),
  anthropic: (client, options) =>
    client.messages.create({ model: 'm', messages, max_tokens: 1, stream: true }, options),
}
async function toldBy(ask, client, options) {
  try {
    for await (const _ of await ask(client, options));
  } catch (error) {
    return `failed (${error.constructor.name})`
  }
  return told
}
for (const [name, make] of Object.entries({ openai, anthropic })) {
  const ask = asks[name]
  const ofClient = await toldBy(ask, make(1000), {})
  const ofRequest = await toldBy(ask, make(), { timeout: 1000 })
  const half = await toldBy(ask, make(), { timeout: 500 })
  const slow = await toldBy(ask, make(), { timeout: 1000, headers: { 'x-slow': 'yes' } })
  const stream = slow === '1' ? 'whole' : slow
  console.log(
    `${name}: of the client ${ofClient}, of the request ${ofRequest}, of 500 ms ${half}; ` +
      `a stream of 2 s, timeout 1 s: ${stream}`,
  )
}
server.closeAllConnections()
server.close()
EOS
node told.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'EOS'
openai: of the client undefined, of the request 1, of 500 ms 0; a stream of 2 s, timeout 1 s: whole
anthropic: of the client 1, of the request 1, of 500 ms 0; a stream of 2 s, timeout 1 s: whole
EOS
cmp seen.txt expected.txt
