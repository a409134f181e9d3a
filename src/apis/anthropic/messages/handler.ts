import { randomUUID } from 'node:crypto'
import { type Answer, json } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import type { EarlyStream } from '../../../web/early.js'
import { collected, streamed } from '../../../web/replies.js'
import type { Service } from '../../api.js'
import { parseBody } from '../../request.js'
import { formWords, placeWords } from '../../request-words.js'
import { preparedTools, toolWords, wireNotes } from '../../tool-list.js'
import { errorFrame } from '../errors.js'
import { readConversation } from './conversation.js'
import {
  countRequest,
  formatField,
  generationOptions,
  knownFields,
  messagesRequest,
  promptOptions,
  reasoningNotes,
} from './schema.js'
import { MessageBody, MessageFrames, pingFrame } from './writer.js'

/** POST /v1/messages. Whatever is wrong with the request is said before the headers. */
export async function createMessage(service: Service, call: Call): Promise<Answer> {
  const { reply, name, isStreamed, isHidden } = await asked(service, call)
  const { promptTokens } = await reply.accepted
  const id = `msg_${randomUUID().replaceAll('-', '')}`
  const head = { id, model: name, promptTokens, isHidden, requestId: call.requestId }
  if (isStreamed) return streamed([reply], new MessageFrames(head))
  return collected([reply], new MessageBody(head))
}

/**
 * Reads the request and asks the engine. What is returned is all that is kept of the request: it
 * may wait long for its slot, and its messages may be large.
 */
async function asked(service: Service, call: Call) {
  service.checkServing()
  const given = parseBody(messagesRequest, await call.body(), call, knownFields)
  const request = { ...given, cache_salt: call.salt(given.cache_salt) }
  const conversation = readConversation(request.system, request.messages)
  const early = request.stream ? earlyMessage(call.requestId) : undefined
  const { name, engine } = await service.lease(call, request.model, 'text', early)
  const { tools, thinking } = request
  const words = placeWords(call.errorWords, conversation.places)
  call.errorWords = toolWords(words, tools)
  const prepared = await preparedTools(engine, tools)
  const { canThink } = engine.model
  const reply = engine.chat(conversation.messages, {
    ...generationOptions(request),
    ...promptOptions(request, canThink),
    ...prepared,
  })
  call.note([...conversation.notes, ...reasoningNotes(request, canThink)])
  call.note(wireNotes(reply.notes, tools))
  const hasFormat = request.output_config?.format !== undefined
  call.errorWords = toolWords(formWords(words, hasFormat ? formatField : undefined), tools)
  call.watch(engine, service.settings.engineStallMs)
  return { reply, name, isStreamed: request.stream, isHidden: thinking?.display === 'omitted' }
}

function earlyMessage(requestId: string): EarlyStream {
  return { errorFrame: (error) => errorFrame(error, requestId), ping: pingFrame }
}

/** POST /v1/messages/count_tokens: what `usage` of the same request would say. */
export async function countTokens(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const body = await call.body()
  const request = parseBody(countRequest, body, call, knownFields)
  const { messages, places, notes } = readConversation(request.system, request.messages)
  const { engine } = await service.lease(call, request.model, 'text')
  const { tools } = request
  call.note([...notes, ...wireNotes([], tools)])
  call.errorWords = toolWords(placeWords(call.errorWords, places), tools)
  const prepared = await preparedTools(engine, tools)
  const options = { ...promptOptions(request, engine.model.canThink), ...prepared }
  const input_tokens = await service.texts.run(body.length, () =>
    engine.countTokens(messages, options),
  )
  return json(200, { input_tokens })
}
