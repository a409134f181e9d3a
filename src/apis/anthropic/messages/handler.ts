import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import { type Answer, json } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import type { ErrorWords, HttpError } from '../../../web/errors.js'
import { parseJson } from '../../../web/json.js'
import { collected, streamed } from '../../../web/replies.js'
import type { Service } from '../../api.js'
import { parseRequest } from '../../request.js'
import { preparedTools, toolWords, wireNotes } from '../../tool-list.js'
import { unknownNotes } from '../../unknown-fields.js'
import { readConversation } from './conversation.js'
import {
  countRequest,
  formatField,
  generationOptions,
  messagesRequest,
  promptOptions,
  reasoningNotes,
  unknownFields,
} from './schema.js'
import { MessageBody, MessageFrames } from './writer.js'

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
  const given = parsed(messagesRequest, await call.body(), call)
  const request = { ...given, cache_salt: call.salt(given.cache_salt) }
  const conversation = readConversation(request.system, request.messages)
  const { name, engine } = await service.lease(call, request.model, 'text')
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
  call.note(tools === undefined ? reply.notes : wireNotes(reply.notes, tools))
  const hasFormat = request.output_config?.format !== undefined
  call.errorWords = toolWords(formWords(words, hasFormat ? formatField : undefined), tools)
  call.watch(engine, service.settings.engineStallMs)
  return { reply, name, isStreamed: request.stream, isHidden: thinking?.display === 'omitted' }
}

/** POST /v1/messages/count_tokens: what `usage` of the same request would say. */
export async function countTokens(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const body = await call.body()
  const request = parsed(countRequest, body, call)
  const { messages, places, notes } = readConversation(request.system, request.messages)
  const { engine } = await service.lease(call, request.model, 'text')
  const { tools } = request
  call.note([...notes, ...(tools?.notes ?? [])])
  call.errorWords = toolWords(placeWords(call.errorWords, places), tools)
  const options = promptOptions(request, engine.model.canThink)
  const tokens = await service.texts.run(body.length, () => {
    const offered = tools === undefined || tools.tools.length === 0 ? {} : { tools: tools.tools }
    return engine.countTokens(messages, { ...options, ...offered })
  })
  return json(200, { input_tokens: tokens })
}

function parsed<T extends z.ZodObject>(schema: T, body: Uint8Array, call: Call): z.output<T> {
  const given = parseJson(body)
  const request = parseRequest(schema, given)
  call.note(unknownNotes(unknownFields(given, schema)))
  return request
}

/** The same words, and the request's own for where its messages stand. */
function placeWords(words: ErrorWords, places: readonly string[]): ErrorWords {
  const named = (error: HttpError) => {
    const { place, message } = error
    const option = place !== undefined && 'option' in place ? place.option : ''
    const [, index] = /^messages\[(\d+)\]/.exec(option) ?? []
    const own = index === undefined ? undefined : places[Number(index)]
    if (own === undefined) return words.named(error)
    return words.named(error.at(own, message.replace(option, own)))
  }
  return { ...words, named }
}

/** The same words, and the field of a form that the engine refuses, or gives up. */
function formWords(words: ErrorWords, field: string | undefined): ErrorWords {
  const named = (error: HttpError) => {
    const { place } = error
    if (place === undefined || !('schema' in place)) return words.named(error)
    return words.named(error.at(field ?? 'tools'))
  }
  return { ...words, named }
}
