#!/bin/sh
# Versions: @langchain/core 1.4.0 from npm, on Node 20.19 or later.
#
# A chat model of LangChain.js that is written in the usual way streams text, and then a tool call
# whose first chunk has the index 0, as OpenAI's wire counts calls. stream() gives both. streamEvents()
# without a version takes that index for the block's place in the message, where the text stands
# already: the call's pieces are added to the text's block, the message has no call, and nothing says
# so. The same call is there where no text came before it, or where its index is 1.
#
# Seen on 2026-11-29:
#   stream, text and call 0: 1 call
#   streamEvents, call 0 alone: 1 call
#   streamEvents, text and call 0: 0 calls
#   streamEvents, text and call 1: 1 call
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
npm install --silent --no-save --ignore-scripts @langchain/core@1.4.0
cat > asks.mjs <<'EOF'
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessageChunk } from '@langchain/core/messages'
import { ChatGenerationChunk } from '@langchain/core/outputs'

class Scripted extends BaseChatModel {
  constructor(text, index) {
    super({})
    const call = { type: 'tool_call_chunk', id: 'call_1', name: 'clock', args: '{}', index }
    this.parts = [{ content: text }, { content: '', tool_call_chunks: [call] }]
  }
  _llmType() {
    return 'scripted'
  }
  async *_streamResponseChunks() {
    for (const part of this.parts) {
      yield new ChatGenerationChunk({ text: part.content, message: new AIMessageChunk(part) })
    }
  }
}

const told = (title, calls) => console.log(`${title}: ${calls} call${calls === 1 ? '' : 's'}`)
let message
for await (const chunk of await new Scripted('Let me see.', 0).stream('What time is it?')) {
  message = message === undefined ? chunk : message.concat(chunk)
}
told('stream, text and call 0', message.tool_calls.length)
for (const [title, text, index] of [
  ['call 0 alone', '', 0],
  ['text and call 0', 'Let me see.', 0],
  ['text and call 1', 'Let me see.', 1],
]) {
  const { tool_calls } = await new Scripted(text, index).streamEvents('What time is it?').output
  told(`streamEvents, ${title}`, tool_calls?.length ?? 0)
}
EOF
node asks.mjs > seen.txt
cat seen.txt
cat > expected.txt <<'EOF'
stream, text and call 0: 1 call
streamEvents, call 0 alone: 1 call
streamEvents, text and call 0: 0 calls
streamEvents, text and call 1: 1 call
EOF
cmp seen.txt expected.txt
