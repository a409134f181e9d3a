import { toolOptions } from '../openai/chat/tools.js'
import { wireToolError } from '../openai/chat/wire-tools.js'
import { parseBody } from '../openai/issues.js'
import { checkVocabulary } from '../openai/token-ids.js'
import { pieceList, tokenList } from '../openai/tokens/reply.js'
import {
  applyTemplateRequest,
  detokenizeRequest,
  tokenizeRequest,
} from '../openai/tokens/schema.js'
import type { App } from './app.js'
import { readBody } from './body.js'
import { prepare } from './chat.js'
import type { Exchange } from './exchange.js'
import { engineNamed } from './models.js'
import { jsonType, sendBody } from './respond.js'
import type { ScopedEngine } from './scoped-engine.js'

/** Tokens whose bytes are asked for, and written, at a stretch. */
const piecesAtOnce = 4096

/** POST /tokenize */
export async function tokenize(app: App, exchange: Exchange): Promise<void> {
  const models = app.models()
  const body = await readBody(exchange, app)
  const request = parseBody(tokenizeRequest, body)
  const engine = engineNamed(request.model, models, exchange)
  exchange.promptField = 'content'
  const { add_special: addSpecial, parse_special: parseSpecial } = request
  const { signal } = exchange
  const options = { addSpecial, parseSpecial }
  const tokens = await app.texts.run(body.length, () => engine.tokenize(request.content, options))
  if (!request.with_pieces) return exchange.json(200, tokenList(tokens))
  const list = await piecesOf(engine, tokens, signal)
  sendBody(exchange, 200, jsonType, `{"tokens":[${list}]}`)
}

/** As JSON, some at a time: half a million tokens fit into a body, and others have the loop too. */
async function piecesOf(
  engine: ScopedEngine,
  tokens: Int32Array,
  signal: AbortSignal,
): Promise<string> {
  const lists: string[] = []
  for (let from = 0; from < tokens.length; from += piecesAtOnce) {
    signal.throwIfAborted()
    const some = tokens.subarray(from, from + piecesAtOnce)
    const list = JSON.stringify(pieceList(some, await engine.pieces(some)).tokens)
    lists.push(list.slice(1, -1))
  }
  return lists.join(',')
}

/** POST /detokenize */
export async function detokenize(app: App, exchange: Exchange): Promise<void> {
  const models = app.models()
  const body = await readBody(exchange, app)
  const { model, tokens } = parseBody(detokenizeRequest, body)
  const engine = engineNamed(model, models, exchange)
  checkVocabulary(tokens, engine.model.vocabulary, 'tokens')
  exchange.json(200, { content: await engine.detokenize(tokens) })
}

/** POST /apply-template */
export async function applyTemplate(app: App, exchange: Exchange): Promise<void> {
  const models = app.models()
  const body = await readBody(exchange, app)
  const { model, messages, ...options } = parseBody(applyTemplateRequest, body)
  const engine = engineNamed(model, models, exchange)
  exchange.note(options.tools?.notes ?? [])
  const prepared = options.tools === undefined ? {} : await prepare(engine, options.tools)
  try {
    const prompt = await engine.applyTemplate(messages, { ...toolOptions(options), ...prepared })
    exchange.json(200, { prompt })
  } catch (error) {
    throw wireToolError(error, options.tools)
  }
}
