import { openAi } from '../apis/openai/api.js'
import { chatRequest } from '../apis/openai/chat/schema.js'
import { parseTextRequest } from '../apis/openai/compatibility.js'
import { defaultName } from '../options/models-options.js'

/** What most clients send. */
const request = {
  model: defaultName,
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
  ],
  max_tokens: 1,
  temperature: 0,
  stream: true,
  stream_options: { include_usage: true },
}

/**
 * Reads a request that nobody sent, while the model loads. zod makes the parser of a schema when it
 * is first used, and V8 compiles a function when it is first called: the first client would wait
 * some 10 ms for both.
 */
export function warmUp(): void {
  const body = Buffer.from(JSON.stringify(request))
  const nobody = { errorWords: openAi.errorWords, note: () => undefined }
  parseTextRequest(chatRequest, body, 'messages', nobody)
}
