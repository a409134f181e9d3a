import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FunctionTool,
  LanguageModelV3ToolChoice,
  SharedV3ProviderOptions,
  SharedV3Warning,
} from '@ai-sdk/provider'
import type { DecideOptions } from '../api/decision-types.js'
import type { EmbedOptions } from '../api/embedding-types.js'
import type { ChatOptions, ReasoningOptions, Tool, ToolChoice } from '../api/types.js'
import { CompiledSchema } from '../engine/compiled-schema.js'
import { chatChecks } from '../options/chat-options.js'
import { anOwner, int32Max, integerFrom, parseFields } from '../options/checks.js'
import { decideChecks } from '../options/decide-options.js'
import { nearestEffort } from '../options/other-words/efforts.js'

/** Options of `chat` that the AI SDK has itself, or that make no one reply. */
type SettledName =
  | ('maxTokens' | 'temperature' | 'topP' | 'topK' | 'presencePenalty' | 'frequencyPenalty')
  | ('seed' | 'stop' | 'signal' | 'schema' | 'json' | 'tools' | 'toolChoice')
  | ('n' | 'promptLogprobs')

/** What `providerOptions.sluice` of a text may be: the options of `chat` that the AI SDK lacks. */
export type SluiceLanguageModelOptions = Omit<ChatOptions, SettledName>

/** What `providerOptions.sluice` of embeddings may be. */
export type SluiceEmbeddingModelOptions = Omit<EmbedOptions, 'signal'>

/** What `providerOptions.sluice` of decisions may be. */
export type SluiceDecisionModelOptions = Omit<DecideOptions, 'signal'>

const ownChecks = (() => {
  const { maxTokens, temperature, topP, topK, presencePenalty, frequencyPenalty, ...rest } =
    chatChecks
  const { seed, stop, signal, schema, json, tools, toolChoice, n, promptLogprobs, ...own } = rest
  return own
})()

const ownPath = 'providerOptions.sluice'

/** How many dimensions the model has the engine knows. */
const embeddingChecks = { dimensions: integerFrom(1, int32Max), owner: anOwner }

/** @throws InvalidOptionError, with the option's path */
export function embeddingOptions(given: SharedV3ProviderOptions | undefined) {
  return parseFields<SluiceEmbeddingModelOptions>(given?.sluice ?? {}, embeddingChecks, ownPath)
}

const { signal: _, ...ownDecideChecks } = decideChecks

/** @throws InvalidOptionError, with the option's path */
export function decisionOptions(given: Readonly<Record<string, unknown>> | undefined) {
  return parseFields<SluiceDecisionModelOptions>(given?.sluice ?? {}, ownDecideChecks, ownPath)
}

/** The AI SDK 7 has an option more, which comes through to models of version 3. */
type CallOptions = LanguageModelV3CallOptions & { readonly reasoning?: string | undefined }

/**
 * The engine's options for a call, but for its tools.
 * @param warnings what of the call has no effect is added
 * @throws InvalidOptionError and InvalidSchemaError
 */
export function chatOptions(
  options: CallOptions,
  canThink: boolean,
  warnings: SharedV3Warning[],
): ChatOptions {
  const { maxOutputTokens: maxTokens, stopSequences: stop, abortSignal: signal } = options
  const { temperature, topP, topK, presencePenalty, frequencyPenalty, seed } = options
  const sampling = { temperature, topP, topK, presencePenalty, frequencyPenalty, seed }
  const { reasoning, ...own } = parseFields<SluiceLanguageModelOptions>(
    options.providerOptions?.sluice ?? {},
    ownChecks,
    ownPath,
  )
  const effort = reasoningOf(options.reasoning, canThink, warnings)
  return withoutUndefined({
    ...sampling,
    maxTokens,
    stop,
    signal,
    ...formOf(options.responseFormat, warnings),
    toolChoice: options.toolChoice && choiceOf(options.toolChoice),
    reasoning: (effort ?? reasoning) && { ...effort, ...reasoning },
    ...own,
  })
}

function withoutUndefined(options: { [Name in keyof ChatOptions]: ChatOptions[Name] | undefined }) {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as ChatOptions
}

function formOf(
  format: LanguageModelV3CallOptions['responseFormat'],
  warnings: SharedV3Warning[],
): Pick<ChatOptions, 'schema' | 'json'> {
  if (format?.type !== 'json') return {}
  if (format.description !== undefined) {
    const details = 'the model is told of no form; say in the prompt what is wanted'
    warnings.push({ type: 'unsupported', feature: 'responseFormat.description', details })
  }
  if (format.schema === undefined) return { json: true }
  return { schema: new CompiledSchema(format.schema, 'responseFormat.schema') }
}

function choiceOf(choice: LanguageModelV3ToolChoice): ToolChoice {
  return choice.type === 'tool' ? { name: choice.toolName } : choice.type
}

function reasoningOf(
  effort: string | undefined,
  canThink: boolean,
  warnings: SharedV3Warning[],
): ReasoningOptions | undefined {
  if (effort === undefined || effort === 'provider-default') return undefined
  if (effort === 'none') return { enabled: false }
  if (!canThink) {
    const details =
      'no marks of reasoning are known of this model; its chat template may take the effort'
    warnings.push({ type: 'unsupported', feature: 'reasoning', details })
  }
  return { effort: nearestEffort(effort) }
}

interface OfferedTools {
  readonly tools: Tool[]
  /** Of each tool: its place among all that were given. */
  readonly places: number[]
}

/** The functions among a call's tools. What a provider's own server would run cannot be offered. */
export function toolsOf(
  { tools: given = [] }: LanguageModelV3CallOptions,
  warnings: SharedV3Warning[],
): OfferedTools {
  const tools: Tool[] = []
  const places: number[] = []
  for (const [place, tool] of given.entries()) {
    if (tool.type !== 'function') {
      warnings.push({ type: 'unsupported', feature: `provider-defined tool ${tool.id}` })
      continue
    }
    tools.push(toolOf(tool, warnings))
    places.push(place)
  }
  return { tools, places }
}

function toolOf(
  { name, description, inputSchema, inputExamples, strict }: LanguageModelV3FunctionTool,
  warnings: SharedV3Warning[],
): Tool {
  if (inputExamples !== undefined && inputExamples.length > 0) {
    const details = 'give the examples in its description'
    const feature = `inputExamples of the tool ${name}`
    warnings.push({ type: 'unsupported', feature, details })
  }
  return {
    name,
    parameters: inputSchema as Record<string, unknown>,
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict }),
  }
}
