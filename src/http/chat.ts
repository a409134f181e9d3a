import type { ChatOptions } from '../api/types.js'
import type { Reply } from '../engine/reply.js'
import { ChunkEncoder } from '../openai/chat/chunks.js'
import { requestOptions } from '../openai/chat/options.js'
import { CompletionParts } from '../openai/chat/reply.js'
import { type ChatRequest, chatRequest } from '../openai/chat/schema.js'
import { budgetError } from '../openai/chat/tools.js'
import { type WireTools, wireNotes, wireToolError } from '../openai/chat/wire-tools.js'
import { type Heading, heading } from '../openai/heading.js'
import { withStructure } from '../openai/structure.js'
import { parseTheirWords } from '../openai/words.js'
import type { App } from './app.js'
import { readBody } from './body.js'
import type { Exchange } from './exchange.js'
import { isolatedSalt } from './keys.js'
import { generatorNamed, nameOfReply } from './models.js'
import { sendParts, streamWriter, type Watch, watched } from './replies.js'
import type { ScopedEngine } from './scoped-engine.js'
import type { SseWriter } from './sse-writer.js'
import { noteWords } from './words.js'

/** POST /v1/chat/completions. Whatever is wrong with the request is said before the headers. */
export async function chatCompletions(app: App, exchange: Exchange): Promise<void> {
  const { maxTokens } = app.settings
  const models = app.models()
  const body = await readBody(exchange, app)
  const given = parseTheirWords(chatRequest, body, true, noteWords(exchange))
  const request = { ...given, cache_salt: isolatedSalt(exchange.isolatedKey, given.cache_salt) }
  const engine = generatorNamed(request.model, models, exchange)
  const { tools } = request
  const prepared = tools === undefined ? {} : await prepare(engine, tools)
  const reply = ask(engine, request, { ...requestOptions(request, maxTokens), ...prepared })
  exchange.note(tools === undefined ? reply.notes : wireNotes(reply.notes, tools))
  const run = async (watch: Watch) => {
    await accepted(reply, tools)
    const head = heading('chatcmpl', nameOfReply(request.model, models), models.fingerprint)
    const choices = request.n ?? 1
    if (request.stream) {
      const includeUsage = request.stream_options?.include_usage ?? false
      const writer = streamWriter(app, exchange)
      const chunks = new ChunkEncoder(head, { choices, includeUsage })
      await stream(exchange, writer, reply, watch, chunks)
    } else {
      const parts = new CompletionParts({ choices, logprobs: request.logprobs ?? false })
      await answer(exchange, reply, head, parts)
    }
  }
  await withStructure(request, () => watched(app, exchange, engine, run))
}

/** Reads tools and makes their grammars, while others have the event loop as well. */
export async function prepare(
  engine: ScopedEngine,
  { tools }: WireTools,
): Promise<Pick<ChatOptions, 'tools'>> {
  if (tools.length === 0) return {}
  try {
    return { tools: await engine.prepareTools(tools) }
  } catch {
    return {} // chat() throws it again, where its words are put right
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

async function accepted(reply: Reply, tools: WireTools | undefined): Promise<void> {
  try {
    await reply.accepted
  } catch (error) {
    throw wireToolError(error, tools)
  }
}

async function stream(
  exchange: Exchange,
  writer: SseWriter,
  reply: Reply,
  watch: Watch,
  chunks: ChunkEncoder,
): Promise<void> {
  writer.open(chunks.roles())
  await sendParts(exchange, writer, reply, watch, (part) => chunks.part(part))
  writer.end(chunks.ending(await reply.done))
}

async function answer(
  exchange: Exchange,
  reply: Reply,
  head: Heading,
  parts: CompletionParts,
): Promise<void> {
  for await (const part of reply) parts.add(part)
  exchange.json(200, parts.body(head, await reply.done))
}
