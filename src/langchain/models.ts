import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
import { Embeddings, type EmbeddingsParams } from '@langchain/core/embeddings'
import type {
  BaseLanguageModelInput,
  StructuredOutputMethodOptions,
} from '@langchain/core/language_models/base'
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
} from '@langchain/core/language_models/chat_models'
import {
  assembleStructuredOutputPipeline,
  createContentParser,
} from '@langchain/core/language_models/structured_output'
import {
  AIMessage,
  AIMessageChunk,
  type AIMessageFields,
  type BaseMessage,
  type ToolMessage,
} from '@langchain/core/messages'
import { ChatGenerationChunk, type ChatResult } from '@langchain/core/outputs'
import type { Runnable } from '@langchain/core/runnables'
import { convertToOpenAITool } from '@langchain/core/utils/function_calling'
import { toJsonSchema } from '@langchain/core/utils/json_schema'
import type { OpenAiMessage, OpenAiTool } from '../api/openai-types.js'
import type { ChatOptions, ReplyPart, ReplyResult, ToolCallDelta } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import { wrong } from '../options/checks.js'
import { choiceOf } from '../options/other-words/tool-choice.js'
import { isEngineError } from '../web/errors.js'

/** Options of `engine.chat()` for each call, but for those that LangChain has itself. */
type OwnOptions = Omit<ChatOptions, 'tools' | 'toolChoice' | 'signal' | 'n' | 'promptLogprobs'>

export interface ChatSluiceCallOptions extends BaseChatModelCallOptions {
  /** As `bindTools` makes them of any tools. */
  tools?: OpenAiTool[]
  /** For this call; each counts before the model's own. */
  chat?: OwnOptions
}

export interface ChatSluiceFields extends BaseChatModelParams {
  /** One that generates text. Closing it stays with who loaded it. */
  engine: Engine
  /** For every call. */
  chat?: OwnOptions
}

/**
 * An engine that generates text, as a chat model of LangChain.
 */
export class ChatSluice extends BaseChatModel<ChatSluiceCallOptions> {
  readonly #engine: Engine
  readonly #chat: OwnOptions

  constructor({ engine, chat = {}, ...fields }: ChatSluiceFields) {
    super(fields)
    this.#engine = engine
    this.#chat = chat
  }

  static override lc_name(): string {
    return 'ChatSluice'
  }

  override _llmType(): string {
    return 'sluice'
  }

  override bindTools(
    tools: BindToolsInput[],
    more: Partial<ChatSluiceCallOptions> = {},
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ChatSluiceCallOptions> {
    const described = tools.map((tool) => convertToOpenAITool(tool) as OpenAiTool)
    return this.withConfig({ ...more, tools: described })
  }

  /** By a grammar, which the method `functionCalling` puts around a tool's call instead. */
  // biome-ignore lint/suspicious/noExplicitAny: as the overloads of the class above have it
  override withStructuredOutput(schema: any, config?: StructuredOutputMethodOptions<boolean>): any {
    const { method = 'jsonSchema', includeRaw = false, name } = config ?? {}
    if (method === 'functionCalling') return super.withStructuredOutput(schema, config as never)
    const form = method === 'jsonMode' ? { json: true } : { schema: toJsonSchema(schema) as object }
    const model = this.withConfig({ chat: form })
    return assembleStructuredOutputPipeline(model, createContentParser(schema), includeRaw, name)
  }

  override async _generate(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
  ): Promise<ChatResult> {
    const reply = this.#ask(messages, options)
    const result = await reply.done.catch((error: unknown) => {
      throw asHeard(error, options.signal)
    })
    const { text, toolCalls = [], reasoning, usage } = result
    const { promptTokens, completionTokens } = usage
    const totalTokens = promptTokens + completionTokens
    const calls = toolCalls.map((call, index) => ({ ...call, index }))
    const said = { content: text, tool_call_chunks: calls.map(callChunk) }
    const message = new AIMessageChunk({ ...said, ...reasoningOf(reasoning), ...endOf(result) })
    const llmOutput = { tokenUsage: { promptTokens, completionTokens, totalTokens } }
    return { generations: [{ text, message }], llmOutput }
  }

  /** A reply is read as its chunks are taken, so one that nobody reads waits. */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
    run?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    try {
      const reply = this.#ask(messages, options)
      for await (const part of reply) {
        const chunk = chunkOf(part)
        yield chunk
        await run?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, {
          chunk,
        })
      }
      const message = new AIMessageChunk({ content: '', ...endOf(await reply.done) })
      yield new ChatGenerationChunk({ text: '', message })
    } catch (error) {
      throw asHeard(error, options.signal)
    }
  }

  #ask(messages: BaseMessage[], options: this['ParsedCallOptions']) {
    const { tools, tool_choice: given, stop, signal, chat } = options
    const toolChoice = given === undefined ? undefined : choiceOf(given)
    if (given !== undefined && toolChoice === undefined) {
      throw wrong('tool_choice', '"auto", "none", "any", "required" or a tool\'s name', given)
    }
    return this.#engine.chat(messages.map(messageOf), {
      ...this.#chat,
      ...(stop === undefined ? {} : { stop }),
      ...chat,
      ...(tools === undefined ? {} : { tools }),
      ...(toolChoice === undefined ? {} : { toolChoice }),
      ...(signal === undefined ? {} : { signal }),
    })
  }
}

/** An engine that embeds, as LangChain's embeddings. */
export class SluiceEmbeddings extends Embeddings {
  readonly #engine: Engine

  constructor({ engine, ...fields }: EmbeddingsParams & { engine: Engine }) {
    super(fields)
    this.#engine = engine
  }

  override async embedDocuments(texts: string[]): Promise<number[][]> {
    const { embeddings } = await this.#engine.embed(texts)
    return embeddings.map((vector) => Array.from(vector))
  }

  override async embedQuery(text: string): Promise<number[]> {
    const [vector = []] = await this.embedDocuments([text])
    return vector
  }
}

/** In OpenAI's words, which the engine takes. */
function messageOf(message: BaseMessage): OpenAiMessage {
  const { type, content } = message
  if (type === 'tool') {
    const { tool_call_id, name } = message as ToolMessage
    return { role: 'tool', content, tool_call_id, ...(name === undefined ? {} : { name }) } as never
  }
  if (AIMessage.isInstance(message)) {
    const { tool_calls = [], invalid_tool_calls = [], additional_kwargs, text } = message
    const { reasoning_content: reasoning } = additional_kwargs
    const calls = [...tool_calls, ...invalid_tool_calls].map(({ id, name, args }) => {
      return { id, name, arguments: args }
    })
    return {
      role: 'assistant',
      content: text,
      ...(typeof reasoning === 'string' ? { reasoning_content: reasoning } : {}),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    } as never
  }
  const role = type === 'human' ? 'user' : ((message as { role?: string }).role ?? type)
  return { role, content } as never
}

function chunkOf({ text, reasoning, toolCalls = [] }: ReplyPart): ChatGenerationChunk {
  const said = { content: text, tool_call_chunks: toolCalls.map(callChunk) }
  const message = new AIMessageChunk({ ...said, ...reasoningOf(reasoning) })
  return new ChatGenerationChunk({ text, message })
}

/** LangChain makes a call of its chunks; one that was cut is an invalid call. */
function callChunk({ index, id, name, arguments: args }: ToolCallDelta) {
  const told = { ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) }
  return { type: 'tool_call_chunk' as const, index, args, ...told }
}

/** Where other models of LangChain have it. */
function reasoningOf(reasoning: string | undefined): Pick<AIMessageFields, 'additional_kwargs'> {
  return reasoning === undefined ? {} : { additional_kwargs: { reasoning_content: reasoning } }
}

type MessageEnd = Pick<AIMessageFields, 'usage_metadata' | 'response_metadata'>

function endOf({ usage, finishReason, seed }: ReplyResult): MessageEnd {
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  const usage_metadata = {
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    input_token_details: { cache_read: cachedTokens },
    ...(reasoningTokens === undefined
      ? {}
      : { output_token_details: { reasoning: reasoningTokens } }),
  }
  // The declarations have no type for it, as those of a message's content know nothing of usage.
  return {
    usage_metadata: usage_metadata as never,
    response_metadata: { finish_reason: finishReason, seed },
  }
}

/** An abort is told by the signal's reason, as LangChain itself tells it. */
function asHeard(error: unknown, signal: AbortSignal | undefined): unknown {
  const isOurs = isEngineError(error) && error.code === 'ERR_CANCELLED'
  return isOurs && signal?.aborted ? signal.reason : error
}
