import type { ReplyPart, Usage } from '../api/types.js'
import type { Reply } from '../engine/reply.js'
import { CompletionChunks } from '../openai/completions/chunks.js'
import { ChoiceWriter } from '../openai/completions/logprobs.js'
import { checkChoices, completionOptions } from '../openai/completions/options.js'
import { promptPath } from '../openai/completions/prompt.js'
import { type EndedChoice, textCompletion, usageOfAll } from '../openai/completions/reply.js'
import { type CompletionRequest, completionRequest } from '../openai/completions/schema.js'
import { toApiError } from '../openai/errors.js'
import { heading } from '../openai/heading.js'
import { structureError, withStructure } from '../openai/structure.js'
import { checkVocabulary } from '../openai/token-ids.js'
import { parseTheirWords } from '../openai/words.js'
import type { Input } from '../options/inputs.js'
import type { App } from './app.js'
import { readBody } from './body.js'
import type { Exchange } from './exchange.js'
import { isolatedSalt } from './keys.js'
import { generatorNamed, nameOfReply } from './models.js'
import { sendParts, streamWriter, together, type Watch, watched } from './replies.js'
import type { ScopedEngine } from './scoped-engine.js'
import type { SseWriter } from './sse-writer.js'
import { noteWords } from './words.js'

/** What one request asked for: a reply for each prompt, in the order of the prompts. */
interface Asked {
  readonly replies: readonly Reply[]
  /** Choices of each reply. */
  readonly n: number
  /** One for each choice, numbered prompt by prompt. */
  readonly writers: readonly ChoiceWriter[]
}

/** POST /v1/completions. Whatever is wrong with the request is said before the headers. */
export async function completions(app: App, exchange: Exchange): Promise<void> {
  const models = app.models()
  const body = await readBody(exchange, app)
  const given = parseTheirWords(completionRequest, body, false, noteWords(exchange))
  const request = { ...given, cache_salt: isolatedSalt(exchange.isolatedKey, given.cache_salt) }
  const { prompt: prompts, n = 1, echo = false } = request
  const engine = generatorNamed(request.model, models, exchange)
  checkChoices(request, engine.settings.parallel + engine.settings.queue)
  checkTokens(prompts, engine)
  const options = completionOptions(request, app.settings.maxTokens)
  const run = async (watch: Watch) => {
    const replies = prompts.map((prompt) => engine.complete(prompt, options))
    const lengths = await acceptAll(request, replies)
    const echoes = await Promise.all(prompts.map((one) => (echo ? textOf(engine, one) : '')))
    const head = heading('cmpl', nameOfReply(request.model, models), models.fingerprint)
    const writers = range(replies.length * n).map((choice) => {
      const prompt = Math.floor(choice / n)
      const [echo, promptTokens] = [echoes[prompt] ?? '', lengths[prompt] ?? 0]
      return new ChoiceWriter({ echo, promptTokens, tellsLogprobs: request.logprobs !== undefined })
    })
    const asked = { replies, n, writers }
    if (request.stream) {
      const includeUsage = request.stream_options?.include_usage ?? false
      const chunks = new CompletionChunks(head, { includeUsage })
      await stream(exchange, streamWriter(app, exchange), watch, asked, chunks)
    } else {
      const { choices, usage } = await collect(asked)
      exchange.json(200, textCompletion(head, choices, usage))
    }
  }
  await withStructure(request, () => watched(app, exchange, engine, run))
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
      throw toApiError(structureError(error, request), promptPath(request.prompt, i))
    }
  })
  return Promise.all(accepted)
}

async function textOf(engine: ScopedEngine, prompt: Input): Promise<string> {
  return typeof prompt === 'string' ? prompt : engine.detokenize(prompt)
}

/** Choices are numbered prompt by prompt, and come as they come. */
async function stream(
  exchange: Exchange,
  writer: SseWriter,
  watch: Watch,
  { replies, n, writers }: Asked,
  chunks: CompletionChunks,
): Promise<void> {
  const openings = writers.map(({ opening }, i) => (opening === '' ? '' : chunks.text(i, opening)))
  writer.open(openings.join(''))
  const frameOf = (first: number) => (part: ReplyPart) => {
    const index = first + part.choice
    const told = writers[index]?.write(part) ?? []
    return told.map(({ text, logprobs }) => chunks.text(index, text, logprobs)).join('')
  }
  const usages: Usage[] = []
  await together(replies, async (reply, i) => {
    await sendParts(exchange, writer, reply, watch, frameOf(i * n))
    const result = await reply.done
    const finish = result.choices.map((choice, c) => chunks.finish(i * n + c, choice)).join('')
    usages.push(result.usage)
    if (usages.length < replies.length) writer.write(finish)
    else writer.end(finish + chunks.ending(usageOfAll(usages)))
  })
}

async function collect({
  replies,
  n,
  writers,
}: Asked): Promise<{ choices: EndedChoice[]; usage: Usage }> {
  const parts: ReplyPart[][] = range(replies.length * n).map(() => [])
  await together(replies, async (reply, i) => {
    for await (const part of reply) parts[i * n + part.choice]?.push(part)
  })
  const results = await Promise.all(replies.map((reply) => reply.done))
  const choices = results.flatMap((result, i) =>
    result.choices.map((choice, c): EndedChoice => {
      const index = i * n + c
      const told = writers[index]?.whole(parts[index] ?? []) ?? { text: '', logprobs: null }
      return { ...told, result: choice }
    }),
  )
  return { choices, usage: usageOfAll(results.map(({ usage }) => usage)) }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
