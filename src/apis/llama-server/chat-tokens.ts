import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { chatRequest, chatWords, toolOptions } from '../openai/chat/schema.js'
import { parseTextRequest } from '../openai/compatibility.js'
import { preparedTools, wireNotes } from '../tool-list.js'

/** POST /v1/chat/completions/input_tokens: of the prompt that such a chat would have. */
export async function countChatTokens(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const body = await call.body()
  const request = parseTextRequest(chatRequest, body, 'messages', call)
  const { engine } = await service.lease(call, request.model, 'tokens')
  call.note(wireNotes([], request.tools))
  call.errorWords = chatWords(call.errorWords, request)
  const options = { ...toolOptions(request), ...(await preparedTools(engine, request.tools)) }
  const input_tokens = await service.texts.run(body.length, () =>
    engine.countTokens(request.messages, options),
  )
  return json(200, { input_tokens })
}
