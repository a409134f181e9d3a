import * as z from 'zod'
import { type Answer, json, jsonType, whole } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { ScopedEngine } from '../../web/scoped-engine.js'
import type { Service } from '../api.js'
import { chatMessages } from '../openai/chat/messages.js'
import { templateArguments, toolOptions } from '../openai/chat/schema.js'
import { wireTools } from '../openai/chat/tools.js'
import { errorWords } from '../openai/errors.js'
import { modelName } from '../openai/generation.js'
import { checkVocabulary, flag, optional, parseBody, tokenIds, wholeBody } from '../request.js'
import { preparedTools, toolWords } from '../tool-list.js'

/** Fields by llama-server's names, and with its defaults. */

const model = modelName

/** Tokens whose bytes are asked for, and written, at a stretch. */
const piecesAtOnce = 4096

export const tokenizeRequest = z.object(
  {
    model,
    content: z.string({ error: 'a string' }),
    add_special: flag(),
    parse_special: flag(true),
    with_pieces: flag(),
  },
  wholeBody,
)

/** POST /tokenize */
export async function tokenize(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const body = await call.body()
  const request = parseBody(tokenizeRequest, body, call)
  const { engine } = await service.lease(call, request.model, 'tokens')
  call.errorWords = errorWords({ prompt: 'content' })
  const { add_special: addSpecial, parse_special: parseSpecial } = request
  const options = { addSpecial, parseSpecial }
  const tokens = await service.texts.run(body.length, () =>
    engine.tokenize(request.content, options),
  )
  if (!request.with_pieces) return json(200, tokenList(tokens))
  const list = await piecesOf(engine, tokens, call.signal)
  return whole(200, jsonType, `{"tokens":[${list}]}`)
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

export const detokenizeRequest = z.object({ model, tokens: tokenIds }, wholeBody)

/** POST /detokenize */
export async function detokenize(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const body = await call.body()
  const { model, tokens } = parseBody(detokenizeRequest, body, call)
  const { engine } = await service.lease(call, model, 'tokens')
  checkVocabulary(tokens, engine.model.vocabulary, 'tokens')
  return json(200, { content: await engine.detokenize(tokens) })
}

export const applyTemplateRequest = z.object(
  {
    model,
    messages: chatMessages,
    tools: optional(wireTools),
    chat_template_kwargs: optional(templateArguments),
  },
  wholeBody,
)

/** POST /apply-template */
export async function applyTemplate(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const body = await call.body()
  const { model, messages, ...options } = parseBody(applyTemplateRequest, body, call)
  const { engine } = await service.lease(call, model, 'tokens')
  call.note(options.tools?.notes ?? [])
  call.errorWords = toolWords(call.errorWords, options.tools)
  const tools = await preparedTools(engine, options.tools)
  return json(200, {
    prompt: await engine.applyTemplate(messages, { ...toolOptions(options), ...tools }),
  })
}

/** A token and what it writes: text, or its bytes where they are no whole characters. */
interface TokenPiece {
  readonly id: number
  readonly piece: string | number[]
}

/** The body of POST /tokenize. */
function tokenList(tokens: Int32Array) {
  return { tokens: Array.from(tokens) }
}

/** The same `with_pieces`. */
function pieceList(tokens: Int32Array, pieces: readonly Uint8Array[]) {
  const pairs = pieces.map((bytes, i): TokenPiece => ({ id: tokens[i] ?? 0, piece: told(bytes) }))
  return { tokens: pairs }
}

function told(bytes: Uint8Array): string | number[] {
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : Array.from(bytes)
}
