import * as z from 'zod'
import type { ChatOptions } from '../../../api/types.js'
import type { Answer } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { parseJson } from '../../../web/json.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'
import type { Service } from '../../api.js'
import { wireTools } from '../../openai/chat/tools.js'
import { droppedNotes } from '../../openai/chat/truncation.js'
import { optional, parseRequest, wholeBody } from '../../request.js'
import { formWords } from '../../request-words.js'
import { preparedTools, toolWords, wireNotes } from '../../tool-list.js'
import { knownFieldsOf, unknownFields, unknownNotes } from '../../unknown-fields.js'
import { ollamaWords } from '../errors.js'
import { formOptions, replyFields, truncate, withoutEffect } from '../fields.js'
import { optionNotes, reasoningOptions, requestOptions, thinkNotes } from '../options.js'
import { answered, earlyReply, withoutPrompt } from '../reply.js'
import { usedModel } from '../use.js'
import { chatShape } from '../writer.js'
import { readMessages } from './messages.js'

const messagesMax = 2048
const messagesError = `an array of at most ${messagesMax} messages`

/** POST /api/chat. Unknown keys pass; null reads as left out. */
export const chatRequest = z.object(
  {
    ...replyFields,
    messages: optional(
      z.array(z.unknown(), { error: messagesError }).max(messagesMax, { error: messagesError }),
    ),
    tools: optional(wireTools),
    truncate,
  },
  wholeBody,
)

type ChatRequest = z.output<typeof chatRequest>

const known = knownFieldsOf(chatRequest, withoutEffect)

/** POST /api/chat. Whatever is wrong with the request is said before the headers. */
export async function chat(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const given = parseJson(await call.body())
  const { messages: list = [], ...request } = parseRequest(chatRequest, given)
  call.note(unknownNotes(unknownFields(given, known)))
  if (list.length === 0) return withoutPrompt(service, call, request, chatShape, 'messages')
  const messages = readMessages(list)
  const early = earlyReply(request, chatShape)
  const { name, clock, engine } = await usedModel(service, call, request, 'text', early)
  const { tools } = request
  const words = ollamaWords('messages')
  call.errorWords = toolWords(words, tools)
  call.note(optionNotes((given as { options?: unknown }).options, request.options, engine))
  call.note(thinkNotes(request.think, engine))
  const prepared = await preparedTools(engine, tools)
  const options = { ...chatOptions(request, engine, service.settings.maxTokens), ...prepared }
  const cacheSalt = call.salt(undefined)
  const reply = engine.chat(messages, cacheSalt === undefined ? options : { ...options, cacheSalt })
  call.note(wireNotes(reply.notes, tools))
  const field = request.format === undefined ? undefined : 'format'
  call.errorWords = toolWords(formWords(words, field), tools)
  call.watch(engine, service.settings.engineStallMs)
  call.note(droppedNotes(await reply.accepted, messages.length))
  return answered(reply, { model: name, clock }, request, chatShape)
}

function chatOptions(
  request: Omit<ChatRequest, 'messages'>,
  engine: ScopedEngine,
  maxTokens: number | undefined,
): ChatOptions {
  const reasoning = reasoningOptions(request.think, engine)
  return {
    ...requestOptions(request.options, maxTokens),
    ...formOptions(request),
    ...(Object.keys(reasoning).length === 0 ? {} : { reasoning }),
    ...(request.truncate === true ? { fit: true } : {}),
  }
}
