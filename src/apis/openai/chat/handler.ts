import type { Answer } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { collected, streamed } from '../../../web/replies.js'
import type { Service } from '../../api.js'
import { parseTextRequest } from '../compatibility.js'
import { envelope } from '../envelope.js'
import { formWords } from '../response-format.js'
import { chatRequest, chatWords, requestOptions } from './schema.js'
import { preparedTools, wireNotes } from './tools.js'
import { droppedMessages, droppedNotes } from './truncation.js'
import { ChunkEncoder, CompletionParts } from './writer.js'

/** POST /v1/chat/completions. Whatever is wrong with the request is said before the headers. */
export async function chatCompletions(service: Service, call: Call): Promise<Answer> {
  const { maxTokens, engineStallMs } = service.settings
  service.checkServing()
  const body = await call.body()
  const given = parseTextRequest(chatRequest, body, true, call)
  const request = { ...given, cache_salt: call.salt(given.cache_salt) }
  const model = await service.lease(call, request.model, 'text')
  const { engine } = model
  const { tools } = request
  const words = call.errorWords
  call.errorWords = chatWords(words, request)
  const prepared = await preparedTools(engine, tools)
  const options = { ...requestOptions(request, maxTokens), ...prepared }
  const reply = engine.chat(request.messages, options)
  call.note(tools === undefined ? reply.notes : wireNotes(reply.notes, tools))
  call.errorWords = chatWords(formWords(words, request), request)
  call.watch(engine, engineStallMs)
  const accepted = await reply.accepted
  call.note(droppedNotes(accepted, request.messages.length))
  const kind = request.stream ? 'chat.completion.chunk' : 'chat.completion'
  const head = envelope(kind, model.name, model.fingerprint)
  const { n: choices = 1, logprobs = false, stream_options: told } = request
  const dropped = droppedMessages(accepted)
  if (!request.stream) {
    return collected([reply], new CompletionParts({ ...head, ...dropped }, { choices, logprobs }))
  }
  const includeUsage = told?.include_usage ?? false
  return streamed([reply], new ChunkEncoder(head, { choices, includeUsage, dropped }))
}
