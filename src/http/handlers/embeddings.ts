import { setImmediate } from 'node:timers/promises'
import { embeddingsBody } from '../../openai/embeddings/reply.js'
import { embeddingRequest } from '../../openai/embeddings/schema.js'
import { errorWords } from '../../openai/errors.js'
import { parseBody } from '../../openai/issues.js'
import { type Answer, jsonType, whole } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { App } from '../app.js'
import { embedderNamed, nameOfReply } from '../models.js'

/** How long a body is written at a stretch: then others have the event loop's turn. */
const stretchMs = 8

/** POST /v1/embeddings */
export async function embeddings(app: App, call: Call): Promise<Answer> {
  const models = app.models()
  const request = parseBody(embeddingRequest, await call.body())
  const engine = embedderNamed(request.model, models, call)
  const { input, dimensions } = request
  call.errorWords = errorWords({ prompt: 'input' })
  call.watch(engine, app.settings.engineStallMs)
  const result = await engine.embed(input, dimensions === undefined ? {} : { dimensions })
  const named = { ...request, model: nameOfReply(request.model, models) }
  const body = await joined(embeddingsBody(named, result))
  call.signal.throwIfAborted()
  return whole(200, jsonType, body)
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
