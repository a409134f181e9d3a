import type { Reply } from '../../../engine/reply.js'
import type { Input } from '../../../options/inputs.js'
import type { Answer } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { httpError } from '../../../web/errors.js'
import { collected, streamed } from '../../../web/replies.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'
import type { Service } from '../../api.js'
import { loraOptions } from '../../lora.js'
import { checkVocabulary } from '../../request.js'
import { formWords } from '../../request-words.js'
import { parseTextRequest } from '../compatibility.js'
import { envelope } from '../envelope.js'
import { earlyStream, errorWords } from '../errors.js'
import { formFieldOf } from '../response-format.js'
import { ChoiceWriter } from './logprobs.js'
import {
  type CompletionRequest,
  checkChoices,
  completionOptions,
  completionRequest,
  promptPath,
} from './schema.js'
import { CompletionBody, CompletionChunks } from './writer.js'

/** POST /v1/completions. Whatever is wrong with the request is said before the headers. */
export async function completions(service: Service, call: Call): Promise<Answer> {
  const { maxTokens, engineStallMs } = service.settings
  service.checkServing()
  const body = await call.body()
  const given = parseTextRequest(completionRequest, body, 'prompt', call)
  const request = { ...given, cache_salt: call.salt(given.cache_salt) }
  const { prompt: prompts } = request
  const model = await service.lease(call, request.model, 'text', earlyStream(request))
  const { engine } = model
  checkChoices(request, engine.settings.parallel + engine.settings.queue)
  checkTokens(prompts, engine)
  const options = { ...completionOptions(request, maxTokens), ...loraOptions(request, engine) }
  call.errorWords = formWords(call.errorWords, formFieldOf(request))
  call.watch(engine, engineStallMs)
  const replies = prompts.map((prompt) => engine.complete(prompt, options))
  const lengths = await acceptAll(request, replies)
  const choices = await choiceWriters(engine, request, lengths)
  const head = envelope('text_completion', model.name, model.fingerprint)
  if (request.stream) {
    const includeUsage = request.stream_options?.include_usage ?? false
    return streamed(replies, new CompletionChunks(head, choices, { includeUsage }))
  }
  return collected(replies, new CompletionBody(head, choices))
}

function checkTokens(prompts: readonly Input[], engine: ScopedEngine): void {
  for (const [i, prompt] of prompts.entries()) {
    if (typeof prompt === 'string') continue
    checkVocabulary(prompt, engine.model.vocabulary, promptPath(prompts, i))
  }
}

/** How long each prompt is; throws what is wrong with the first that is not taken, by its name. */
async function acceptAll(request: CompletionRequest, replies: readonly Reply[]): Promise<number[]> {
  const accepted = replies.map(async (reply, i) => {
    try {
      return (await reply.accepted).promptTokens
    } catch (error) {
      const words = errorWords({ prompt: promptPath(request.prompt, i) })
      throw formWords(words, formFieldOf(request)).named(httpError(error))
    }
  })
  return Promise.all(accepted)
}

/** One for each choice of each prompt. */
async function choiceWriters(
  engine: ScopedEngine,
  { prompt: prompts, n = 1, echo = false, logprobs }: CompletionRequest,
  lengths: readonly number[],
): Promise<ChoiceWriter[][]> {
  const echoes = await Promise.all(prompts.map((one) => (echo ? textOf(engine, one) : '')))
  return echoes.map((echo, i) => {
    const telling = { echo, promptTokens: lengths[i] ?? 0, tellsLogprobs: logprobs !== undefined }
    return Array.from({ length: n }, () => new ChoiceWriter(telling))
  })
}

async function textOf(engine: ScopedEngine, prompt: Input): Promise<string> {
  return typeof prompt === 'string' ? prompt : engine.detokenize(prompt)
}
