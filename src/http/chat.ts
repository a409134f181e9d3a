import type { Reply } from '../engine/reply.js'
import { ChunkEncoder } from '../openai/chat/chunks.js'
import { type Heading, heading } from '../openai/chat/heading.js'
import { requestOptions } from '../openai/chat/options.js'
import { chatCompletion } from '../openai/chat/reply.js'
import { chatRequest } from '../openai/chat/schema.js'
import { ApiError } from '../openai/errors.js'
import { parseRequest } from '../openai/issues.js'
import { parseJson } from '../openai/json.js'
import type { App } from './app.js'
import { readBody } from './body.js'
import { EngineWatch } from './engine-watch.js'
import type { Exchange } from './exchange.js'
import { isolatedSalt } from './keys.js'
import { engineNamed } from './models.js'
import { SseWriter } from './sse-writer.js'

/** POST /v1/chat/completions. Whatever is wrong with the request is said before the headers. */
export async function chatCompletions(app: App, exchange: Exchange): Promise<void> {
  const { bodyBytesMax, engineStallMs, maxTokens, pingMs } = app.settings
  const models = app.models()
  const given = parseRequest(chatRequest, parseJson(await readBody(exchange, bodyBytesMax)))
  const request = { ...given, cache_salt: isolatedSalt(exchange.isolatedKey, given.cache_salt) }
  const engine = engineNamed(request.model, models)
  const { signal } = exchange
  const reply = engine.chat(request.messages, { ...requestOptions(request, maxTokens), signal })
  const watch = new EngineWatch(engine, engineStallMs, () => exchange.abort(engineStalled()))
  try {
    const { promptTokens } = await reply.accepted
    exchange.notes.promptTokens = promptTokens
    const head = heading(request.model, models.fingerprint)
    if (request.stream) {
      const includeUsage = request.stream_options?.include_usage ?? false
      exchange.stream = new SseWriter(exchange.res, { pingMs })
      await stream(
        exchange.stream,
        reply,
        watch,
        new ChunkEncoder(head, { includeUsage }),
        exchange,
      )
    } else {
      await answer(exchange, reply, head)
    }
  } finally {
    watch.stop()
  }
}

/** Taking a part is what lets the engine go on: no part is taken before the last one has room. */
async function stream(
  writer: SseWriter,
  reply: Reply,
  watch: EngineWatch,
  chunks: ChunkEncoder,
  { signal, notes }: Exchange,
): Promise<void> {
  writer.open(chunks.role())
  for await (const { text } of reply) {
    if (text === '' || writer.write(chunks.text(text))) continue
    await watch.pause(writer.drain(signal))
  }
  const result = await reply.done
  notes.completionTokens = result.usage.completionTokens
  writer.end(chunks.ending(result))
}

async function answer(exchange: Exchange, reply: Reply, head: Heading): Promise<void> {
  let text = ''
  for await (const part of reply) text += part.text
  const result = await reply.done
  exchange.notes.completionTokens = result.usage.completionTokens
  exchange.json(200, chatCompletion(head, text, result))
}

function engineStalled(): ApiError {
  return new ApiError('engine_stalled', 'The engine stands still; the reply was given up.')
}
