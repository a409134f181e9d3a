import { setImmediate } from 'node:timers/promises'
import { embeddingsBody } from '../openai/embeddings/reply.js'
import { embeddingRequest } from '../openai/embeddings/schema.js'
import { parseBody } from '../openai/issues.js'
import type { App } from './app.js'
import { readBody } from './body.js'
import type { Exchange } from './exchange.js'
import { embedderNamed, nameOfReply } from './models.js'
import { watched } from './replies.js'
import { jsonType, sendBody } from './respond.js'

/** How long a body is written at a stretch: then others have the event loop's turn. */
const stretchMs = 8

/** POST /v1/embeddings */
export async function embeddings(app: App, exchange: Exchange): Promise<void> {
  const models = app.models()
  const body = await readBody(exchange, app)
  const request = parseBody(embeddingRequest, body)
  const engine = embedderNamed(request.model, models, exchange)
  const { input, dimensions } = request
  const { signal } = exchange
  exchange.promptField = 'input'
  await watched(app, exchange, engine, async () => {
    const result = await engine.embed(input, dimensions === undefined ? {} : { dimensions })
    const named = { ...request, model: nameOfReply(request.model, models) }
    const reply = await joined(embeddingsBody(named, result))
    signal.throwIfAborted()
    sendBody(exchange, 200, jsonType, reply)
  })
}

async function joined(pieces: Iterable<string>): Promise<Buffer> {
  const parts: Buffer[] = []
  let since = performance.now()
  for (const piece of pieces) {
    parts.push(Buffer.from(piece))
    if (performance.now() - since < stretchMs) continue
    await setImmediate()
    since = performance.now()
  }
  return Buffer.concat(parts)
}
