import type { ChatOptions } from '../../../api/types.js'
import type { Reply } from '../../../engine/reply.js'
import type { Answer } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { generatorNamed, nameOfReply } from '../../../web/models.js'
import { collected, streamed } from '../../../web/replies.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'
import type { Service } from '../../api.js'
import { heading } from '../envelope.js'
import { formWords } from '../response-format.js'
import { parseTheirWords } from '../words.js'
import { ChunkEncoder } from './chunks.js'
import { requestOptions } from './options.js'
import { CompletionParts } from './reply.js'
import { type ChatRequest, chatRequest } from './schema.js'
import { budgetError } from './tools.js'
import { type WireTools, wireNotes, wireToolError } from './wire-tools.js'

/** POST /v1/chat/completions. Whatever is wrong with the request is said before the headers. */
export async function chatCompletions(service: Service, call: Call): Promise<Answer> {
  const { maxTokens, engineStallMs } = service.settings
  const models = service.models()
  const body = await call.body()
  const given = parseTheirWords(chatRequest, body, true, call)
  const request = { ...given, cache_salt: call.salt(given.cache_salt) }
  const engine = generatorNamed(request.model, models, call)
  const { tools } = request
  const prepared = tools === undefined ? {} : await prepare(engine, tools)
  const reply = ask(engine, request, { ...requestOptions(request, maxTokens), ...prepared })
  call.note(tools === undefined ? reply.notes : wireNotes(reply.notes, tools))
  call.errorWords = formWords(call.errorWords, request)
  call.watch(engine, engineStallMs)
  await accepted(reply, request)
  const head = heading('chatcmpl', nameOfReply(request.model, models), models.fingerprint)
  const { n: choices = 1, logprobs = false, stream_options: options } = request
  if (request.stream) {
    const includeUsage = options?.include_usage ?? false
    return streamed([reply], new ChunkEncoder(head, { choices, includeUsage }))
  }
  return collected([reply], new CompletionParts(head, { choices, logprobs }))
}

/** Reads tools and makes their grammars, while others have the event loop as well. */
export async function prepare(
  engine: ScopedEngine,
  wire: WireTools,
): Promise<Pick<ChatOptions, 'tools'>> {
  if (wire.tools.length === 0) return {}
  try {
    return { tools: await engine.prepareTools(wire.tools) }
  } catch (error) {
    throw wireToolError(error, wire)
  }
}

/** A budget that the engine refuses is the field that asked for it. */
function ask(engine: ScopedEngine, request: ChatRequest, options: ChatOptions): Reply {
  try {
    return engine.chat(request.messages, options)
  } catch (error) {
    throw wireToolError(budgetError(error, request), request.tools)
  }
}

async function accepted(reply: Reply, request: ChatRequest): Promise<void> {
  try {
    await reply.accepted
  } catch (error) {
    throw wireToolError(error, request.tools)
  }
}
