import type { Reply } from '../../engine/reply.js'

import { CompletionChunks } from '../../openai/completions/chunks.js'
import { ChoiceWriter } from '../../openai/completions/logprobs.js'
import { checkChoices, completionOptions } from '../../openai/completions/options.js'
import { promptPath } from '../../openai/completions/prompt.js'
import { CompletionBody } from '../../openai/completions/reply.js'
import { type CompletionRequest, completionRequest } from '../../openai/completions/schema.js'
import { errorWords } from '../../openai/errors.js'
import { heading } from '../../openai/heading.js'
import { formWords } from '../../openai/structure.js'
import { checkVocabulary } from '../../openai/token-ids.js'
import { parseTheirWords } from '../../openai/words.js'
import type { Input } from '../../options/inputs.js'
import type { Answer } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { httpError } from '../../web/errors.js'
import { collected, streamed } from '../../web/replies.js'
import type { ScopedEngine } from '../../web/scoped-engine.js'
import type { App } from '../app.js'
import { isolatedSalt } from '../door/keys.js'
import { generatorNamed, nameOfReply } from '../models.js'

/** POST /v1/completions. Whatever is wrong with the request is said before the headers. */
export async function completions(app: App, call: Call): Promise<Answer> {
  const { maxTokens, engineStallMs } = app.settings
  const models = app.models()
  const body = await call.body()
  const given = parseTheirWords(completionRequest, body, false, call)
  const request = { ...given, cache_salt: isolatedSalt(call.isolatedKey, given.cache_salt) }
  const { prompt: prompts } = request
  const engine = generatorNamed(request.model, models, call)
  checkChoices(request, engine.settings.parallel + engine.settings.queue)
  checkTokens(prompts, engine)
  const options = completionOptions(request, maxTokens)
  call.errorWords = formWords(call.errorWords, request)
  call.watch(engine, engineStallMs)
  const replies = prompts.map((prompt) => engine.complete(prompt, options))
  const lengths = await acceptAll(request, replies)
  const choices = await choiceWriters(engine, request, lengths)
  const head = heading('cmpl', nameOfReply(request.model, models), models.fingerprint)
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
      throw formWords(words, request).named(httpError(error))
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
