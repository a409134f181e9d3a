#!/bin/sh
# Versions: ai 6.0.326, @ai-sdk/openai-compatible 2.0.92, zod 4.6.7 from npm, on Node 20.19 or later.
#
# The AI SDK's provider for servers of OpenAI's kind takes a chunk with `"error": null` for an error:
# it looks whether the field is there, not whether it says anything. The text of that chunk is lost,
# each such chunk becomes an error part whose error is null, and the reply ends with the finish
# reason "error". Here one server leaves the field out, and one has it as null.
#
# Seen on 2026-11-29:
#   left out: text "Hello", finish stop, errors []
#   null: text "", finish error, errors [null,null]
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
npm install --silent --no-save --ignore-scripts ai@6.0.326 @ai-sdk/openai-compatible@2.0.92 zod@4.6.7
cat > asks.mjs <<'EOF'
import http from 'node:http'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }

async function seenWith(more) {
  const chunks = [
    [{ index: 0, delta: { role: 'assistant', content: 'Hello' }, finish_reason: null }],
    [{ index: 0, delta: {}, finish_reason: 'stop' }],
  ].map((choices) => `data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`)
  const server = http.createServer((req, res) => {
    req.resume()
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.end(`${chunks.join('')}data: [DONE]\n\n`)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseURL = `http://127.0.0.1:${server.address().port}/v1`
  const model = createOpenAICompatible({ name: 'own', baseURL, apiKey: 'none' })('m')
  const errors = []
  let [text, finish] = ['', '']
  const { fullStream } = streamText({ model, prompt: 'Hi', onError: () => undefined })
  for await (const part of fullStream) {
    if (part.type === 'text-delta') text += part.text
    else if (part.type === 'error') errors.push(part.error)
    else if (part.type === 'finish') finish = part.finishReason
  }
  server.close()
  server.closeAllConnections()
  return `text ${JSON.stringify(text)}, finish ${finish}, errors ${JSON.stringify(errors)}`
}
console.log('left out:', await seenWith({}))
console.log('null:', await seenWith({ error: null }))
EOF
node asks.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
left out: text "Hello", finish stop, errors []
null: text "", finish error, errors [null,null]
EOF
cmp seen.txt expected.txt
