import { abilityOf } from '../api/ability.js'
import type {
  AnswerTo,
  DecideOptions,
  DecideResult,
  DecisionQuestion,
} from '../api/decision-types.js'
import type {
  EmbedInput,
  EmbedOptions,
  EmbedResult,
  RerankOptions,
  RerankResult,
} from '../api/embedding-types.js'
import { type EngineEndedError, InvalidRequestError } from '../api/errors.js'
import type { FitOptions, FitResult } from '../api/fit-types.js'
import type { OpenAiMessage, OpenAiTool } from '../api/openai-types.js'
import type { LoadWarning, Placement } from '../api/placement-types.js'
import type { SamplingOptions } from '../api/sampling-options.js'
import type { SchemaOutput } from '../api/standard-schema.js'
import type {
  ChatMessage,
  ChatOptions,
  CompletionOptions,
  EngineSettings,
  EngineStats,
  ModelInfo,
  PreparedTools,
  RequestOptions,
  TemplateOptions,
  TextOptions,
  TokenizeOptions,
  Tool,
} from '../api/types.js'
import type { NativeChat, NativePrompt } from '../binding/engine-port.js'
import {
  parseChat,
  parseChatOptions,
  parseFitOptions,
  parseTemplateOptions,
  type ReasoningSupport,
  readChat,
} from '../options/chat-options.js'
import { noOptions } from '../options/checks.js'
import {
  inState,
  parseDecideOptions,
  parseQuestions,
  parseState,
} from '../options/decide-options.js'
import { parseEmbedInput, parseEmbedOptions } from '../options/embed-options.js'
import { type GivenRules, settleFit } from '../options/fit-options.js'
import { scalesOf } from '../options/lora-options.js'
import {
  checkChoices,
  parseCompletionOptions,
  parseCompletionPrompt,
  parseText,
  parseTextOptions,
  parseTokenizeOptions,
  parseTokens,
} from '../options/request-options.js'
import {
  checkQueryCopies,
  parseDocuments,
  parseQuery,
  parseRerankOptions,
} from '../options/rerank-options.js'
import { PreparedToolList, prepareTools } from '../options/tools/tools.js'
import type { CallFormat } from '../schema/tool-grammar.js'
import { atCaller, fromCaller } from './call-site.js'
import { compiled } from './compiled-schema.js'
import { Decider } from './decide/decider.js'
import { KnownDecider } from './decide/known-decider.js'
import { embed } from './embed/embed.js'
import { rerank } from './embed/rerank.js'
import type { EngineClient } from './engine-client.js'
import { type FitsChat, fitterOf } from './fit/fit.js'
import { nativeRequest } from './native-request.js'
import { type PromptCount, uncounted } from './queue/prompt-count.js'
import { WrittenCalls } from './reply/written-calls.js'
import { Reply, type ReplyTelling } from './reply.js'

const ranksOnly = 'this model is a reranker and has no embeddings; ask it by rerank'
const ranksNot =
  'this model is no reranker: its file has no rank pooling (pooling_type 4); load one that has'

/** @internal What load() hands over. */
interface EngineParts {
  client: EngineClient
  model: ModelInfo
  settings: EngineSettings
  placement: Placement
  warnings: readonly LoadWarning[]
  defaults: SamplingOptions
  /** What the GGUF recommends. */
  recommended: SamplingOptions
  reasoning: ReasoningSupport
  /** How the chat template writes calls of tools. */
  callFormat: CallFormat
  ended: Promise<EngineEndedError | undefined>
}

/**
 * A loaded model that answers many requests at once. Made by `load()`. Close it when done: an
 * idle engine does not keep the process alive, but its memory is held until then.
 *
 * A reply that is not read makes way for others, but its state is kept: read it, `cancel()` it, or
 * give it a `signal`.
 */
export class Engine implements AsyncDisposable {
  readonly model: ModelInfo
  readonly settings: EngineSettings
  /** Which devices hold the weights and the KV cache, and how many bytes of each. */
  readonly placement: Placement
  /** What the load told; also given to `onWarning`. */
  readonly warnings: readonly LoadWarning[]
  readonly #parts: EngineParts
  readonly #decider: KnownDecider
  readonly #writtenCalls = new WrittenCalls()

  /** @internal */
  constructor(parts: EngineParts) {
    this.model = parts.model
    this.settings = parts.settings
    this.placement = parts.placement
    this.warnings = parts.warnings
    this.#parts = parts
    const { client, model, reasoning, settings } = parts
    this.#decider = new KnownDecider(() => {
      return Decider.of(client, model.vocabulary, reasoning.ends, settings)
    })
  }

  /** True from the first call of close() on, or from the engine's end by itself. */
  get closed(): boolean {
    return this.#parts.client.closed
  }

  /**
   * Resolves once the engine has ended and its memory is free: with undefined where close() ended
   * it, with an EngineEndedError where it ended by itself (`cause` says why). By then
   * everything that was asked of it has settled. It never rejects, so it need not be caught.
   * Waiting for it keeps no process alive, until the engine has failed (`failure`): from then on
   * its end is waited for.
   */
  get ended(): Promise<EngineEndedError | undefined> {
    return this.#parts.ended
  }

  /** What `ended` will resolve with, from the moment on at which it is known. */
  get failure(): EngineEndedError | undefined {
    return this.#parts.client.failure
  }

  /**
   * Answers a conversation, put into words by the model's own chat template. Where there are tools
   * or the model reasons, its reply is read by the template's format: parts have text, reasoning
   * and tool calls. A last message of the assistant is the beginning of the reply, which goes on
   * with it. Messages and tools may be in OpenAI's words as well. Throws InvalidOptionError for a
   * wrong argument, and InvalidSchemaError for a schema of a tool or of the reply; everything else
   * reaches the reply's reader.
   *
   * @example
   * ```js
   * import { load } from 'sluice'
   *
   * const engine = await load()
   * const reply = engine.chat([{ role: 'user', content: 'Tell me a story' }], { maxTokens: 50 })
   * for await (const { text } of reply) process.stdout.write(text)
   * await engine.close()
   * ```
   */
  chat<Schema extends object = object>(
    messages: readonly (ChatMessage | OpenAiMessage)[],
    options: ChatOptions<Schema> = {},
  ): Reply<SchemaOutput<Schema>> {
    return atCaller(Engine.#chat<SchemaOutput<Schema>>, this, messages, options)
  }

  static #chat<Result>(
    engine: Engine,
    messages: readonly (ChatMessage | OpenAiMessage)[],
    options: ChatOptions,
  ): Reply<Result> {
    const given = parseChatOptions(options)
    const { reasoning, callFormat } = engine.#parts
    const { chat, ...told } = readChat(messages, given, reasoning, callFormat, engine.settings)
    engine.#writtenCalls.restore(chat.messages)
    if (!given.fit) return engine.#reply(chat, given, told)
    const rules = given.fit === true ? {} : given.fit
    const fits = engine.#fitter(chat, messages, rules, given.maxTokens, 'fit.')
    return engine.#reply(chat, given, { ...told, fits })
  }

  /**
   * The part of a conversation that fits the context with room for a reply: what is always kept
   * (`keep`), and the latest turns. Oldest turns go first, in steps, so that most calls for a
   * conversation that goes on drop the same ones again, and its prompts begin alike. It
   * takes the conversation as a whole each time, or what an earlier call left of it.
   *
   * Rejects with ERR_CONTEXT_LENGTH where what must stay does not fit, and else as `countTokens`.
   */
  async fit<Message extends ChatMessage | OpenAiMessage>(
    messages: readonly Message[],
    options: FitOptions = {},
  ): Promise<FitResult<Message>> {
    return fromCaller(async () => {
      const { owner, signal, reserve, keep, retentionRatio, ...template } = parseFitOptions(options)
      // The caller's may grow while it is looked at.
      const given = Array.isArray(messages) ? [...messages] : messages
      const chat = this.#templateChat(given, template)
      const rules = { reserve, keep, retentionRatio }
      const fits = this.#fitter(chat, given, rules)
      const { dropped, promptTokens } = await fits({ owner, signal })
      const isDropped = new Set(dropped)
      return {
        messages: given.filter((_, i) => !isDropped.has(i)),
        dropped,
        promptTokens,
        replyTokens: this.settings.context - promptTokens,
      }
    })
  }

  /**
   * Reads tools and makes their grammars, some milliseconds at a time. What it resolves with is
   * for `chat`, which takes it as `tools`: from a list it makes what is missing at once, a second
   * of JavaScript's thread for a megabyte of new schemas. Rejects as `chat` throws, and with
   * ERR_CANCELLED by the signal.
   */
  async prepareTools(
    tools: readonly (Tool | OpenAiTool)[] | PreparedTools,
    options: TextOptions = {},
  ): Promise<PreparedTools> {
    return fromCaller(() => {
      const { signal } = parseTextOptions(options)
      const { tools: given = [] } = parseTemplateOptions({ tools })
      if (given instanceof PreparedToolList) return given
      return prepareTools(
        given as readonly unknown[],
        this.#parts.callFormat,
        this.settings,
        signal,
      )
    })
  }

  /**
   * Continues a prompt as it stands, without a template. A text gets what the model wants in front
   * (such as BOS), and names of control tokens in it are those tokens; token ids are taken as they
   * are. With `suffix` it fills the gap between the two. Errors as in `chat`.
   */
  complete<Schema extends object = object>(
    prompt: string | Int32Array | readonly number[],
    options: CompletionOptions<Schema> = {},
  ): Reply<SchemaOutput<Schema>> {
    return atCaller(Engine.#complete<SchemaOutput<Schema>>, this, prompt, options)
  }

  static #complete<Result>(
    engine: Engine,
    prompt: string | Int32Array | readonly number[],
    options: CompletionOptions,
  ): Reply<Result> {
    const given = parseCompletionPrompt(prompt, engine.model.vocabulary)
    const { suffix, ...rest } = parseCompletionOptions(options, given, engine.model)
    if (suffix === undefined) return engine.#reply(given, rest)
    return engine.#reply({ before: String(given), after: suffix }, rest)
  }

  /**
   * A vector for each text, of length 1: many of them, also of several calls, share one batch. An
   * input is a text or token ids; one, or up to 2,048 of them.
   *
   * Rejects with ERR_INVALID_OPTION, with ERR_CONTEXT_LENGTH or ERR_INVALID_REQUEST for an input
   * that is too long or has no tokens (`input` says which one), with ERR_INVALID_REQUEST where the
   * engine generates text, and with ERR_OVERLOADED, ERR_QUEUE_TIMEOUT, ERR_CANCELLED, ERR_CLOSED,
   * ERR_ENGINE_FAILED or ERR_ENGINE_ENDED.
   */
  async embed(
    input: EmbedInput | readonly EmbedInput[],
    options: EmbedOptions = {},
  ): Promise<EmbedResult> {
    return fromCaller(() => this.embedCounted(input, options, uncounted))
  }

  /** @internal As `embed`; `count` hears of its tokens before it ends. */
  embedCounted(
    input: EmbedInput | readonly EmbedInput[],
    options: EmbedOptions,
    count: PromptCount,
  ): Promise<EmbedResult> {
    const { client } = this.#parts
    const inputs = parseEmbedInput(input)
    const { size } = this.model.embedding ?? {}
    if (abilityOf(this.model) === 'ranks') throw new InvalidRequestError(ranksOnly)
    const given = parseEmbedOptions(options, size)
    return embed(client, inputs, { size: size ?? 0, ...given }, count)
  }

  /**
   * Orders documents, 1 to 2,048 texts, by how well they answer a query. For a reranker
   * (`model.embedding.pooling` is `rank`); many documents share one batch, and documents of several
   * calls do. The query's bytes times the documents are at most 64 MiB. Rejects with
   * ERR_INVALID_REQUEST of another model, and else as `embed` does, with `input` for a document
   * that is too long beside the query.
   */
  async rerank(
    query: string,
    documents: readonly string[],
    options: RerankOptions = {},
  ): Promise<RerankResult> {
    return fromCaller(() => this.rerankCounted(query, documents, options, uncounted))
  }

  /** @internal As `rerank`; `count` hears of its tokens before it ends. */
  rerankCounted(
    query: string,
    documents: readonly string[],
    options: RerankOptions,
    count: PromptCount,
  ): Promise<RerankResult> {
    const text = parseQuery(query)
    const texts = parseDocuments(documents)
    checkQueryCopies(text, texts.length)
    const given = parseRerankOptions(options)
    if (abilityOf(this.model) !== 'ranks') throw new InvalidRequestError(ranksNot)
    return rerank(this.#parts.client, text, texts, given, count)
  }

  /**
   * Answers questions about a state: a text, or a conversation. The state is computed once, each
   * question follows it, and an answer is read from how likely the model was to begin with each of
   * its labels. Nothing is generated, and no reasoning is done. `parallel` is how many questions
   * are computed together.
   *
   * Rejects with ERR_INVALID_OPTION; with ERR_INVALID_REQUEST where there is no chat template, or
   * the vocabulary has too few labels for a question's options; and as `chat` does.
   *
   * @example
   * ```js
   * import { load } from 'sluice'
   *
   * const engine = await load()
   * const { answers } = await engine.decide('I was charged twice. Please refund me.', [
   *   { type: 'predicate', instructions: 'Does the customer want money back?' },
   *   { type: 'choice', instructions: 'Which team?', choices: ['billing', 'support'] },
   *   { type: 'score', instructions: 'How angry?', levels: ['calm', 'annoyed', 'furious'] },
   * ])
   * console.log(answers[0].probability, answers[1].choice, answers[2].score)
   * await engine.close()
   * ```
   */
  async decide<const Questions extends readonly DecisionQuestion[]>(
    state: string | readonly (ChatMessage | OpenAiMessage)[],
    questions: Questions,
    options: DecideOptions = {},
  ): Promise<DecideResult<{ readonly [K in keyof Questions]: AnswerTo<Questions[K]> }>> {
    return fromCaller(async () => {
      const result = await this.decideCounted(state, questions, options, uncounted)
      return result as DecideResult<{ readonly [K in keyof Questions]: AnswerTo<Questions[K]> }>
    })
  }

  /** @internal As `decide`; `count` hears of its tokens before it ends. */
  async decideCounted(
    state: string | readonly (ChatMessage | OpenAiMessage)[],
    questions: readonly DecisionQuestion[],
    options: DecideOptions,
    count: PromptCount,
  ): Promise<DecideResult> {
    const given = parseDecideOptions(options)
    const asked = parseQuestions(questions)
    const messages = parseState(state) as readonly (ChatMessage | OpenAiMessage)[]
    const template = { reasoning: { enabled: false }, continueFinal: false }
    const chat = inState(() => this.#templateChat(messages, template))
    return (await this.#decider.get(given.signal)).decide(chat, asked, given, count)
  }

  /**
   * Token ids of a text. `addSpecial` (false) adds what the model wants at the ends, such as BOS;
   * `parseSpecial` (false) reads the names of control tokens in the text as those tokens. Once
   * `signal` is aborted, a text that waits is dropped. Rejects with ERR_INVALID_OPTION,
   * ERR_INVALID_REQUEST, ERR_OVERLOADED, ERR_QUEUE_TIMEOUT, ERR_CANCELLED, ERR_CLOSED or
   * ERR_ENGINE_ENDED.
   */
  async tokenize(text: string, options: TokenizeOptions = {}): Promise<Int32Array> {
    return fromCaller(async () => {
      const given = parseText(text)
      const { addSpecial = false, parseSpecial = false, ...asker } = parseTokenizeOptions(options)
      const job = { text: given, addSpecial, parseSpecial }
      return inOwnBuffer(await this.#parts.client.text('tokenize', job, asker))
    })
  }

  /** The text of token ids, control tokens by name. Rejects as `tokenize` does, and for no ids. */
  async detokenize(
    tokens: Int32Array | readonly number[],
    options: TextOptions = {},
  ): Promise<string> {
    return fromCaller(() => {
      const given = parseTokens(tokens)
      const asker = parseTextOptions(options)
      return this.#parts.client.text('detokenize', { tokens: given }, asker)
    })
  }

  /** The bytes of each token, control tokens by name. Rejects as `detokenize` does. */
  async pieces(
    tokens: Int32Array | readonly number[],
    options: TextOptions = {},
  ): Promise<Uint8Array[]> {
    return fromCaller(async () => {
      const given = parseTokens(tokens)
      const asker = parseTextOptions(options)
      const pieces = await this.#parts.client.text('pieces', { tokens: given }, asker)
      return pieces.map(inOwnBuffer)
    })
  }

  /**
   * The prompt that `chat` would compute for a conversation, as text. The names of control tokens
   * in it may be the template's own or what a message says, which only the template's run can tell:
   * `tokenize` would take all of them for tokens, and `countTokens` counts as `chat` does. Rejects
   * with ERR_INVALID_REQUEST (no template, or one that refuses the messages or takes too long for
   * them), ERR_INVALID_OPTION, ERR_OVERLOADED, ERR_QUEUE_TIMEOUT, ERR_CANCELLED, ERR_CLOSED or
   * ERR_ENGINE_ENDED.
   */
  async applyTemplate(
    messages: readonly (ChatMessage | OpenAiMessage)[],
    options: TemplateOptions = {},
    text: TextOptions = {},
  ): Promise<string> {
    return fromCaller(() => {
      const asker = parseTextOptions(text)
      const chat = this.#templateChat(messages, options)
      return this.#parts.client.text('apply-template', { chat }, asker)
    })
  }

  /** Tokens of that prompt: what `usage.promptTokens` would say. Rejects as `applyTemplate`. */
  async countTokens(
    messages: readonly (ChatMessage | OpenAiMessage)[],
    options: TemplateOptions = {},
    text: TextOptions = {},
  ): Promise<number> {
    return fromCaller(async () => {
      const asker = parseTextOptions(text)
      const chat = this.#templateChat(messages, options)
      return (await this.#parts.client.text('tokenize-chat', { chat, mustFit: false }, asker))
        .length
    })
  }

  /** @internal The requests of an owner that wait for a slot, and how many slots are free. */
  queueOf(owner: string): { queued: number; free: number } {
    return this.#parts.client.queueOf(owner)
  }

  /** Gauges and counters: see EngineStats. */
  stats(): EngineStats {
    return this.#parts.client.stats()
  }

  /**
   * Ends what runs and what waits (its promises reject with ERR_CLOSED at once), stops the threads
   * and frees the memory. A decode under way is abandoned, which takes milliseconds on a CPU; the
   * one text that is being tokenized is waited for (up to 2 s per MiB), as nothing can interrupt
   * it. Twice is safe, and so is it after the engine's end by itself.
   */
  async close(...none: []): Promise<void> {
    noOptions(none)
    this.#parts.client.close()
    await this.#parts.ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #templateChat(
    messages: readonly (ChatMessage | OpenAiMessage)[],
    options: TemplateOptions,
  ): NativeChat {
    const { reasoning, callFormat } = this.#parts
    // Only a reply needs the grammars of its calls.
    const format = callFormat === 'none' ? callFormat : undefined
    const template = parseTemplateOptions(options)
    const chat = parseChat(messages, template, reasoning, format, this.settings)
    this.#writtenCalls.restore(chat.messages)
    return chat
  }

  #fitter(
    chat: NativeChat,
    given: readonly (ChatMessage | OpenAiMessage)[],
    rules: GivenRules,
    maxTokens?: number,
    at?: string,
  ): FitsChat {
    const settled = settleFit(rules, this.settings.context, maxTokens, at)
    return fitterOf(this.#parts.client, chat, given, settled)
  }

  #reply<Result>(
    prompt: NativePrompt,
    { schema: given, ...options }: RequestOptions,
    told?: ReplyTelling,
  ): Reply<Result> {
    const { client, defaults, recommended } = this.#parts
    checkChoices(options.n ?? 1, this.settings.parallel)
    const schema = given && compiled(given)
    const adapters = scalesOf(options.lora, this.settings.lora)
    const ready = { ...options, schema }
    const request = nativeRequest(prompt, ready, defaults, recommended, adapters)
    const writtenCalls = this.#writtenCalls
    return new Reply(client, request, options.signal, { ...told, schema, writtenCalls })
  }
}

/** What came from another process is a view of a whole message, which it would keep. */
function inOwnBuffer<Numbers extends Int32Array | Uint8Array>(numbers: Numbers): Numbers {
  const isOwn = numbers.byteLength === numbers.buffer.byteLength
  return isOwn ? numbers : (numbers.slice() as Numbers)
}
