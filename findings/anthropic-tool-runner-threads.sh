#!/bin/sh
# Versions: @anthropic-ai/sdk 1.14.0, zod 4.6.7 from npm, on Node 20.19 or later.
#
# The tool runner of Anthropic's SDK (client.beta.messages.toolRunner) counts on a server that keeps
# the conversation: it sends `thread`, unasked, and from the second turn on only the messages that
# are new. A server that ignores fields it does not know answers
# without an error, and the model has never seen the question: the second request holds nothing but
# the tool's result. Only an error 400 whose details have error_code "thread_unsupported_request"
# makes the runner send the whole conversation. Here one server ignores the field, and one refuses
# it so.
#
# Seen on 2026-11-29:
#   ignored: [user] thread create; [user] thread continue
#   refused: [user] thread create; [user] no thread; [user assistant user] no thread
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
npm install --silent --no-save --ignore-scripts @anthropic-ai/sdk@1.14.0 zod@4.6.7
cat > runner.mjs <<'EOF'
import http from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import * as z from 'zod'

const usage = { input_tokens: 1, output_tokens: 1 }
const message = { type: 'message', role: 'assistant', model: 'm', stop_sequence: null, usage }
const call = { type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }
const refusal = {
  type: 'error',
  error: {
    type: 'invalid_request_error',
    message: 'no threads here',
    details: { error_code: 'thread_unsupported_request' },
  },
}

async function seenBy(refuses) {
  const seen = []
  const server = http.createServer(async (req, res) => {
    let text = ''
    for await (const part of req) text += part
    const { messages, thread } = JSON.parse(text)
    const roles = messages.map(({ role }) => role).join(' ')
    seen.push(`[${roles}] ${thread ? `thread ${thread.type}` : 'no thread'}`)
    const isRefused = refuses && thread
    const hasResult = text.includes('tool_result')
    const answer = hasResult
      ? { ...message, id: 'msg_2', stop_reason: 'end_turn', content: [{ type: 'text', text: '3' }] }
      : { ...message, id: 'msg_1', stop_reason: 'tool_use', content: [call] }
    res.writeHead(isRefused ? 400 : 200, { 'content-type': 'application/json' })
    res.end(JSON.stringify(isRefused ? refusal : answer))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseURL = `http://127.0.0.1:${server.address().port}`
  const client = new Anthropic({ baseURL, apiKey: 'none', maxRetries: 0 })
  const add = betaZodTool({
    name: 'add',
    description: 'adds',
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    run: ({ a, b }) => String(a + b),
  })
  const ask = [{ role: 'user', content: 'What is 1 + 2?' }]
  const body = { model: 'm', max_tokens: 9, messages: ask, tools: [add] }
  await client.beta.messages.toolRunner(body).runUntilDone()
  server.close()
  server.closeAllConnections()
  return seen.join('; ')
}
console.log('ignored:', await seenBy(false))
console.log('refused:', await seenBy(true))
EOF
node runner.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
ignored: [user] thread create; [user] thread continue
refused: [user] thread create; [user] no thread; [user assistant user] no thread
EOF
cmp seen.txt expected.txt
