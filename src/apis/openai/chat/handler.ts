import type { Answer } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { collected, streamed } from '../../../web/replies.js'
import type { Service } from '../../api.js'
import { loraOptions } from '../../lora.js'
import { formWords } from '../../request-words.js'
import { preparedTools, wireNotes } from '../../tool-list.js'
import { parseTextRequest } from '../compatibility.js'
import { envelope } from '../envelope.js'
import { earlyStream } from '../errors.js'
import { formFieldOf } from '../response-format.js'
import { chatRequest, chatWords, requestOptions } from './schema.js'
import { droppedMessages, droppedNotes } from './truncation.js'
import { ChunkEncoder, CompletionParts } from './writer.js'

/** POST /v1/chat/completions. Whatever is wrong with the request is said before the headers. */
export async function chatCompletions(service: Service, call: Call): Promise<Answer> {
  const { reply, model, messages, ...form } = await asked(service, call)
  const accepted = await reply.accepted
  call.note(droppedNotes(accepted, messages))
  const kind = form.stream ? 'chat.completion.chunk' : 'chat.completion'
  const head = envelope(kind, model.name, model.fingerprint)
  const { choices, logprobs, includeUsage } = form
  const dropped = droppedMessages(accepted)
  if (!form.stream) {
    return collected([reply], new CompletionParts({ ...head, ...dropped }, { choices, logprobs }))
  }
  return streamed([reply], new ChunkEncoder(head, { choices, includeUsage, dropped }))
}

/**
 * Reads the request and asks the engine. What is returned is all that is kept of the request: it
 * may wait long for its slot, and its messages may be large.
 */
async function asked(service: Service, call: Call) {
  const { maxTokens, engineStallMs } = service.settings
  service.checkServing()
  const body = await call.body()
  const given = parseTextRequest(chatRequest, body, 'messages', call)
  const request = { ...given, cache_salt: call.salt(given.cache_salt) }
  const model = await service.lease(call, request.model, 'text', earlyStream(request))
  const { engine } = model
  const { tools } = request
  const words = call.errorWords
  call.errorWords = chatWords(words, request)
  const prepared = await preparedTools(engine, tools)
  const lora = loraOptions(request, engine)
  const options = { ...requestOptions(request, maxTokens), ...prepared, ...lora }
  const reply = engine.chat(request.messages, options)
  call.note(wireNotes(reply.notes, tools))
  call.errorWords = chatWords(formWords(words, formFieldOf(request)), request)
  call.watch(engine, engineStallMs)
  const { n: choices = 1, logprobs = false, stream, stream_options: told } = request
  const includeUsage = told?.include_usage ?? false
  const messages = request.messages.length
  return { reply, model, messages, stream, choices, logprobs, includeUsage }
}
