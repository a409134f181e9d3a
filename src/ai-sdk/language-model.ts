import { randomUUID } from 'node:crypto'
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV3StreamResult,
  SharedV3Warning,
} from '@ai-sdk/provider'
import type { RequestNote } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { Reply } from '../engine/reply.js'
import { withSdkErrors } from './errors.js'
import { chatOptions, toolsOf } from './options.js'
import { noPlaces, type Places, sdkPath } from './places.js'
import { conversationOf } from './prompt.js'
import { ReplyContent } from './reply-blocks.js'
import { endingOf, logprobsOf } from './reply-end.js'
import { ReplyStream } from './reply-stream.js'

/** An engine that generates text, as the AI SDK asks for it. Owns nothing of the engine. */
export class SluiceLanguageModel implements LanguageModelV3 {
  readonly specificationVersion = 'v3'
  readonly provider = 'sluice'
  readonly modelId: string
  /** All of them: others the AI SDK fetches. Here they are refused, and nothing is fetched. */
  readonly supportedUrls = { '*/*': [/.*/] }
  readonly #engine: Engine

  constructor(engine: Engine, modelId: string) {
    this.#engine = engine
    this.modelId = modelId
  }

  async doGenerate(options: LanguageModelV3CallOptions): Promise<LanguageModelV3GenerateResult> {
    const asked = callOf(options)
    const run = async () => {
      const { reply, warnings, response } = await this.#ask(options, asked)
      const content = new ReplyContent()
      const logprobs = []
      for await (const part of reply) {
        content.add(part)
        logprobs.push(...logprobsOf(part))
      }
      const result = await reply.done
      const isCut = result.finishReason !== 'tool_calls'
      const ending = endingOf(result, logprobs, asked.places)
      return { content: content.end(isCut), ...ending, response, warnings }
    }
    return withSdkErrors(options.abortSignal, run, asked.places)
  }

  /** Resolves once the request is accepted: what is wrong with it rejects, and may be retried. */
  async doStream(options: LanguageModelV3CallOptions): Promise<LanguageModelV3StreamResult> {
    const asked = callOf(options)
    const run = async () => {
      const { reply, warnings, response } = await this.#ask(options, asked)
      await reply.accepted
      const first: LanguageModelV3StreamPart[] = [
        { type: 'stream-start', warnings },
        { type: 'response-metadata', ...response },
      ]
      const { abortSignal: signal, includeRawChunks: hasRaw = false } = options
      const source = new ReplyStream(reply, { first, signal, hasRaw, places: asked.places })
      return { stream: new ReadableStream(source, { highWaterMark: 0 }) }
    }
    return withSdkErrors(options.abortSignal, run, asked.places)
  }

  async #ask(options: LanguageModelV3CallOptions, { messages, tools, places, warnings }: Asked) {
    const engine = this.#engine
    const own = chatOptions(options, engine.model.canThink, warnings)
    const signal = options.abortSignal === undefined ? {} : { signal: options.abortSignal }
    const offered = tools.length === 0 ? {} : { tools: await engine.prepareTools(tools, signal) }
    const reply: Reply = engine.chat(messages, { ...own, ...offered })
    for (const note of reply.notes) warnings.push(warningOf(note, places))
    const response = { id: randomUUID(), timestamp: new Date(), modelId: this.modelId }
    return { reply, warnings, response }
  }
}

type Asked = ReturnType<typeof callOf>

/** What a call tells the model, as the engine takes it. */
function callOf(options: LanguageModelV3CallOptions) {
  const warnings: SharedV3Warning[] = []
  const { messages, places } = conversationOf(options.prompt, warnings)
  const offered = toolsOf(options, warnings)
  return {
    messages,
    tools: offered.tools,
    places: { ...noPlaces, messages: places, tools: offered.places },
    warnings,
  }
}

function warningOf({ path, message }: RequestNote, places: Places): SharedV3Warning {
  return { type: 'compatibility', feature: sdkPath(path, places), details: message }
}
