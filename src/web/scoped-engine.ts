import type { DecideOptions, DecideResult, DecisionQuestion } from '../api/decision-types.js'
import type {
  EmbedOptions,
  EmbedResult,
  RerankOptions,
  RerankResult,
} from '../api/embedding-types.js'
import type {
  ChatMessage,
  ChatOptions,
  CompletionOptions,
  EngineStats,
  PreparedTools,
  TemplateOptions,
  TokenizeOptions,
  Tool,
} from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { PromptCount } from '../engine/queue/prompt-count.js'
import type { Reply } from '../engine/reply.js'
import type { Input } from '../options/inputs.js'

/** What a call is to the engine that it asks. */
export interface Scope {
  /** Aborted when the call ends, however it ends. */
  readonly signal: AbortSignal
  /** Who asks: owners take turns. '' is the owner of those who are not known. */
  readonly owner: string
  /** Its tokens are counted for the log and the metrics. */
  own(reply: Reply): void
  /** The same of what has no reply; it is told how many prompt tokens there are. */
  ownPrompt(): PromptCount
}

/**
 * An engine as one call may use it. Handlers never see the Engine itself: whatever they ask of
 * it here has the call's signal, so that nothing outlives the call, and is counted. Owned by its
 * call.
 */
export class ScopedEngine {
  readonly #engine: Engine
  readonly #scope: Scope
  readonly #lora: Pick<CompletionOptions, 'lora'>

  /** @param lora the adapters of requests that say nothing of them */
  constructor(engine: Engine, scope: Scope, lora?: CompletionOptions['lora']) {
    this.#engine = engine
    this.#scope = scope
    this.#lora = lora === undefined ? {} : { lora }
  }

  get model(): Engine['model'] {
    return this.#engine.model
  }

  get settings(): Engine['settings'] {
    return this.#engine.settings
  }

  /** What requests get that say nothing of adapters. */
  get adapters(): Pick<CompletionOptions, 'lora'> {
    return this.#lora
  }

  stats(): EngineStats {
    return this.#engine.stats()
  }

  prepareTools(tools: readonly Tool[]): Promise<PreparedTools> {
    return this.#engine.prepareTools(tools, this.#scoped({}))
  }

  chat(messages: readonly ChatMessage[], options: Unscoped<ChatOptions>): Reply {
    return this.#owned(this.#engine.chat(messages, this.#adapted(options)))
  }

  complete(prompt: Input, options: Unscoped<CompletionOptions>): Reply {
    return this.#owned(this.#engine.complete(prompt, this.#adapted(options)))
  }

  async embed(input: readonly Input[], options: Unscoped<EmbedOptions>): Promise<EmbedResult> {
    return this.#engine.embedCounted(input, this.#scoped(options), this.#scope.ownPrompt())
  }

  async rerank(
    query: string,
    documents: readonly string[],
    options: Unscoped<RerankOptions>,
  ): Promise<RerankResult> {
    const scoped = this.#scoped(options)
    return this.#engine.rerankCounted(query, documents, scoped, this.#scope.ownPrompt())
  }

  async decide(
    state: readonly ChatMessage[],
    questions: readonly DecisionQuestion[],
    options: Unscoped<DecideOptions>,
  ): Promise<DecideResult> {
    const scoped = this.#adapted(options)
    return this.#engine.decideCounted(state, questions, scoped, this.#scope.ownPrompt())
  }

  tokenize(text: string, options: Unscoped<TokenizeOptions>): Promise<Int32Array> {
    return this.#engine.tokenize(text, this.#scoped(options))
  }

  detokenize(tokens: Int32Array): Promise<string> {
    return this.#engine.detokenize(tokens, this.#scoped({}))
  }

  pieces(tokens: Int32Array): Promise<Uint8Array[]> {
    return this.#engine.pieces(tokens, this.#scoped({}))
  }

  applyTemplate(messages: readonly ChatMessage[], options: TemplateOptions): Promise<string> {
    return this.#engine.applyTemplate(messages, options, this.#scoped({}))
  }

  countTokens(messages: readonly ChatMessage[], options: TemplateOptions): Promise<number> {
    return this.#engine.countTokens(messages, options, this.#scoped({}))
  }

  #scoped<Options extends object>(options: Options) {
    const { signal, owner } = this.#scope
    return owner === '' ? { ...options, signal } : { ...options, signal, owner }
  }

  #adapted<Options extends object>(options: Options) {
    return this.#scoped({ ...this.#lora, ...options })
  }

  #owned(reply: Reply): Reply {
    this.#scope.own(reply)
    return reply
  }
}

type Unscoped<Options> = Omit<Options, 'signal'>
