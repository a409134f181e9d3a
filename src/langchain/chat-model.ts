import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager'
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
import type { AIMessageChunk, BaseMessage } from '@langchain/core/messages'
import type { ChatGenerationChunk, ChatResult } from '@langchain/core/outputs'
import type { Runnable } from '@langchain/core/runnables'
import { convertToOpenAITool } from '@langchain/core/utils/function_calling'
import { toJsonSchema } from '@langchain/core/utils/json_schema'
import type { OpenAiTool } from '../api/openai-types.js'
import type { ChatOptions } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import { wrong } from '../options/checks.js'
import { choiceOf } from '../options/other-words/tool-choice.js'
import { formNames } from '../options/request-options.js'
import { isEngineError } from '../web/errors.js'
import { plainForKey } from './cache-key.js'
import { callParser, toolOfSchema } from './forced-call.js'
import { messageOf } from './prompt.js'
import {
  chunkOf,
  endChunkOf,
  type LogprobEntry,
  logprobsOf,
  messageOfReply,
} from './reply-message.js'

/** Options of `engine.chat()` for each call, but for those that LangChain has itself. */
type OwnOptions = Omit<ChatOptions, 'tools' | 'toolChoice' | 'signal' | 'n' | 'promptLogprobs'>

export interface ChatSluiceCallOptions extends BaseChatModelCallOptions {
  /** As `bindTools` makes them of any tools. */
  tools?: OpenAiTool[]
  /** For this call; each counts before the model's own. */
  chat?: OwnOptions
  /** As `withStructuredOutput` sets it. It counts before what `chat` says. */
  form?: Pick<ChatOptions, 'json' | 'schema'>
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

  /** By a grammar: of the reply's text, or by `functionCalling` of a call that is forced. */
  // biome-ignore lint/suspicious/noExplicitAny: as the overloads of the class above have it
  override withStructuredOutput(schema: any, config?: StructuredOutputMethodOptions<boolean>): any {
    const { method = 'jsonSchema', includeRaw = false, name } = config ?? {}
    if (method === 'functionCalling') {
      const tool = toolOfSchema(schema, name)
      const model = this.bindTools([tool], { tool_choice: tool })
      const parser = callParser(schema, tool.function.name)
      return assembleStructuredOutputPipeline(model, parser, includeRaw, name)
    }
    const form = method === 'jsonMode' ? { json: true } : { schema: toJsonSchema(schema) as object }
    // No part of `chat`, which an invocation's own would replace as a whole.
    const model = this.withConfig({ form })
    return assembleStructuredOutputPipeline(model, createContentParser(schema), includeRaw, name)
  }

  /** What LangChain's cache knows the model by, beside a call's options. */
  override _identifyingParams(): Record<string, unknown> {
    const { model, settings } = this.#engine
    const { sampling, reasoningBudget, toolsFallback, lora } = settings
    const own = { sampling, reasoningBudget, toolsFallback, lora }
    return {
      engine: { model: model.id, bytes: model.bytes, ...own },
      defaults: plainForKey(this.#chat),
    }
  }

  override _getSerializedCacheKeyParametersForCall(options: this['ParsedCallOptions']): string {
    const { chat, form, ...others } = options
    return super._getSerializedCacheKeyParametersForCall({
      ...others,
      ...(chat === undefined ? {} : { chat: plainForKey(chat) }),
      ...(form === undefined ? {} : { form: plainForKey(form) }),
    } as typeof options)
  }

  override async _generate(
    messages: BaseMessage[],
    options: this['ParsedCallOptions'],
  ): Promise<ChatResult> {
    try {
      const reply = this.#ask(messages, options)
      const logprobs: LogprobEntry[] = []
      for await (const part of reply) logprobs.push(...logprobsOf(part))
      const result = await reply.done
      const { promptTokens, completionTokens } = result.usage
      const totalTokens = promptTokens + completionTokens
      const message = messageOfReply(result, reply.notes, logprobs)
      const llmOutput = { tokenUsage: { promptTokens, completionTokens, totalTokens } }
      return { generations: [{ text: result.text, message }], llmOutput }
    } catch (error) {
      throw asHeard(error, options.signal)
    }
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
      yield endChunkOf(await reply.done, reply.notes)
    } catch (error) {
      throw asHeard(error, options.signal)
    }
  }

  #ask(messages: BaseMessage[], options: this['ParsedCallOptions']) {
    const { tools, tool_choice: given, stop, signal, chat, form } = options
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
      ...(form === undefined ? {} : { ...noForm, ...form }),
    })
  }
}

/** Of `chat`: a reply has one form, and the one that LangChain asks for counts. */
const noForm = Object.fromEntries(formNames.map((name) => [name, undefined]))

/** An abort is told by the signal's reason, as LangChain itself tells it. */
function asHeard(error: unknown, signal: AbortSignal | undefined): unknown {
  const isOurs = isEngineError(error) && error.code === 'ERR_CANCELLED'
  return isOurs && signal?.aborted ? signal.reason : error
}
