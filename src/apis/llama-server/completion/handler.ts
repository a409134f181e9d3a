import type { CompletionOptions } from '../../../api/types.js'
import type { Reply } from '../../../engine/reply.js'
import type { Answer } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { HttpError } from '../../../web/errors.js'
import { collected, streamed } from '../../../web/replies.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'
import type { ModelInUse, Service } from '../../api.js'
import { loraOptions } from '../../lora.js'
import { promptPath } from '../../openai/completions/schema.js'
import { formFieldOf } from '../../openai/response-format.js'
import { parseBody } from '../../request.js'
import { formWords } from '../../request-words.js'
import { earlyLlamaStream, llamaWords } from '../errors.js'
import { biasesOf } from './biases.js'
import { tokensOf } from './prompts.js'
import {
  type CompletionSettings,
  completionOptions,
  infillRequest,
  knownCompletionFields,
  knownInfillFields,
  llamaCompletionRequest,
} from './schema.js'
import { generationSettings } from './settings.js'
import {
  type CompletionHead,
  type CompletionTelling,
  LlamaCompletionBody,
  LlamaCompletionFrames,
} from './writer.js'

/** POST /completion: a text continued, in llama-server's own shape. */
export async function llamaCompletion(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  const body = await call.body()
  const { prompt: prompts, ...request } = parseBody(
    llamaCompletionRequest,
    body,
    call,
    knownCompletionFields,
  )
  const early = earlyLlamaStream(request)
  const model = await service.lease(call, request.model, 'text', early)
  const { engine } = model
  checkCount(prompts.length, engine)
  const options = await optionsOf(service, call, request, engine)
  const lists = await service.texts.run(body.length, () =>
    Promise.all(prompts.map((one, i) => tokensOf(engine, one, promptPath(prompts, i)))),
  )
  call.watch(engine, service.settings.engineStallMs)
  const replies = lists.map((tokens) => engine.complete(tokens, options))
  const texts = () => Promise.all(lists.map((tokens) => engine.detokenize(tokens)))
  return answered(model, request, options, { replies, texts })
}

/** POST /infill: the gap between two texts filled, in the same shape. */
export async function infill(service: Service, call: Call): Promise<Answer> {
  call.errorWords = llamaWords()
  service.checkServing()
  const body = await call.body()
  const given = parseBody(infillRequest, body, call, knownInfillFields)
  const { input_prefix: prefix, input_suffix: suffix, input_extra: extra = [], ...rest } = given
  const { prompt, ...request } = rest
  const early = earlyLlamaStream(request)
  const model = await service.lease(call, request.model, 'text', early)
  const { engine } = model
  if (!engine.model.canInfill) {
    const message = 'This model was not trained to fill gaps: it has no tokens for that.'
    throw new HttpError('not_supported', message)
  }
  const options = await optionsOf(service, call, request, engine)
  const chunks = extra.map(({ filename, text }) => `${filename ? `${filename}\n` : ''}${text}\n`)
  const before = `${chunks.join('')}${prefix}${prompt}`
  call.watch(engine, service.settings.engineStallMs)
  const replies = [engine.complete(before, { ...options, suffix })]
  return answered(model, request, options, { replies, texts: () => [`${before}${suffix}`] })
}

async function optionsOf(
  service: Service,
  call: Call,
  request: CompletionSettings,
  engine: ScopedEngine,
): Promise<CompletionOptions> {
  call.errorWords = formWords(call.errorWords, formFieldOf(request))
  const cacheSalt = call.salt(request.cache_salt)
  const written = request.logit_bias ?? []
  const logitBias = written.length > 0 ? { logitBias: await biasesOf(engine, written) } : {}
  return {
    ...completionOptions(request, service.settings.maxTokens),
    ...logitBias,
    ...loraOptions(request, engine),
    ...(cacheSalt === undefined ? {} : { cacheSalt }),
  }
}

/** What a request asks of the engine, prompt by prompt. */
interface Asked {
  readonly replies: readonly Reply[]
  /** The prompts as texts. Not asked for before all are taken: one may be far too long. */
  readonly texts: () => readonly string[] | Promise<readonly string[]>
}

async function answered(
  model: ModelInUse,
  request: CompletionSettings,
  options: CompletionOptions,
  { replies, texts }: Asked,
): Promise<Answer> {
  const accepted = await Promise.all(replies.map((reply) => reply.accepted))
  const { settings, adapters } = model.engine
  const asked = { ...adapters, ...options }
  const { stream, n_probs, timings_per_token } = request
  const heads = (await texts()).map(
    (prompt, i): CompletionHead => ({
      model: model.name,
      prompt,
      promptTokens: accepted[i]?.promptTokens ?? 0,
      settings: (seed) =>
        generationSettings(settings, asked, { stream, n_probs, timings_per_token }, seed),
    }),
  )
  const telling: CompletionTelling = {
    returnsTokens: request.return_tokens,
    probabilities: n_probs,
    responseFields: request.response_fields,
  }
  return stream
    ? streamed(replies, new LlamaCompletionFrames(heads, telling))
    : collected(replies, new LlamaCompletionBody(heads, telling))
}

/** Throws a 400 for more prompts than are taken in at once. */
function checkCount(prompts: number, { settings }: ScopedEngine): void {
  const most = settings.parallel + settings.queue
  if (prompts <= most) return
  const message =
    `'prompt': expected at most ${most} prompts, as many as this server runs and queues, ` +
    `but got ${prompts}.`
  throw new HttpError('invalid_request', message, { field: 'prompt' })
}
