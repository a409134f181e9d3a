import * as z from 'zod'
import type {
  ChatOptions,
  ReasoningOptions,
  RequestNote,
  RequestOptions,
  TemplateOptions,
} from '../../../api/types.js'
import { CompiledSchema } from '../../../engine/compiled-schema.js'
import { reasoningChecks } from '../../../options/chat-options.js'
import { int32Max, integerFrom } from '../../../options/checks.js'
import { nearestEffort } from '../../../options/other-words/efforts.js'
import { aStop, requestChecks, stopsMax } from '../../../options/request-options.js'
import {
  anObject,
  arrayOf,
  checked,
  fieldError,
  flag,
  optional,
  unsupported,
  wholeBody,
} from '../../request.js'
import { seed } from '../../seed.js'
import { knownFieldsOf } from '../../unknown-fields.js'
import { toolChoice, tools } from './tools.js'

const thinking = z.object(
  {
    type: z.enum(['enabled', 'adaptive', 'disabled', 'between_tools'], {
      error: '"enabled", "adaptive", "disabled" or "between_tools"',
    }),
    budget_tokens: optional(checked(integerFrom(0, int32Max))),
    display: optional(z.unknown()),
  },
  { error: 'an object such as {"type": "enabled", "budget_tokens": 1024}' },
)

const format = z.object(
  {
    type: z.literal('json_schema', { error: '"json_schema"' }),
    schema: anObject('a JSON Schema (an object)'),
  },
  { error: 'an object such as {"type": "json_schema", "schema": {...}}' },
)

const effortError = '"low", "medium", "high", "xhigh" or "max"'

const outputConfig = z.object(
  {
    effort: optional(checked({ ...reasoningChecks.effort, expected: effortError })),
    format: optional(format),
  },
  { error: 'an object such as {"effort": "high"}' },
)

/** What says which prompt it is: all that count_tokens takes. */
const promptFields = {
  // One model is served: its name may be left out.
  model: optional(z.string({ error: 'the name of a model, such as "default"' })),
  // Each of them is read by readConversation.
  messages: z
    .array(z.unknown(), { error: 'an array of messages' })
    .min(1, { error: 'at least one message' }),
  system: optional(z.unknown()),
  tools: optional(tools),
  tool_choice: optional(toolChoice),
  thinking: optional(thinking),
  output_config: optional(outputConfig),
  // Only the newest messages would come, and the model would know no others.
  thread: unsupported('nothing (no conversation is kept here; send all messages of it)'),
  // Its name in the beta. The reply would be no JSON.
  output_format: unsupported('nothing (it is output_config.format here)'),
}

/** POST /v1/messages/count_tokens */
export const countRequest = z.object(promptFields, wholeBody)

/** POST /v1/messages. Unknown keys pass; null reads as left out. */
export const messagesRequest = z.object(
  {
    ...promptFields,
    max_tokens: checked(requestChecks.maxTokens),
    stream: flag(),
    stop_sequences: optional(arrayOf(checked(aStop), 0, stopsMax, 'strings')),
    temperature: optional(checked(requestChecks.temperature)),
    top_p: optional(checked(requestChecks.topP)),
    top_k: optional(checked(requestChecks.topK)),
    // Local extras, by the names that chat completions have for them.
    seed: optional(seed),
    cache_salt: optional(checked(requestChecks.cacheSalt)),
  },
  wholeBody,
)

/** Fields that change nothing of what is said here. */
const withoutEffect = [
  ...['metadata', 'service_tier', 'cache_control', 'container', 'diagnostics', 'speed'],
  ...['inference_geo', 'user_profile_id', 'workspace_id'],
]

/** The same of fields that Anthropic declares of its beta only; docs/messages.md names them. */
export const withoutEffectOfBeta = ['betas', 'context_management']

/** What a request may say, and one whose tokens are counted as well. */
export const knownFields = knownFieldsOf(messagesRequest, [
  ...withoutEffect,
  ...withoutEffectOfBeta,
])

type PromptRequest = z.output<typeof countRequest>
type MessagesRequest = z.output<typeof messagesRequest>

/**
 * The engine's options for what makes a difference to the prompt, but for the tools.
 * @param canThink whether the model reasons; else there is no reasoning to limit
 * @throws HttpError, a 400, where a call is wanted and there is nothing to call
 */
export function promptOptions(request: PromptRequest, canThink: boolean): TemplateOptions {
  const { tool_choice: tools, tools: { tools: offered } = { tools: [] } } = request
  if (tools?.choice === 'required' && offered.length === 0) {
    const expected = '"auto" or "none" where there are no tools'
    throw fieldError('tool_choice.type', expected, tools.type)
  }
  const reasoning = reasoningOptions(request, canThink)
  return {
    ...(tools === undefined ? {} : { toolChoice: tools.choice }),
    ...(tools?.isAlone === undefined ? {} : { parallelToolCalls: !tools.isAlone }),
    ...(Object.keys(reasoning).length === 0 ? {} : { reasoning }),
  }
}

function reasoningOptions(request: PromptRequest, canThink: boolean): ReasoningOptions {
  const { thinking, output_config: { effort } = {} } = request
  const isOff = thinking?.type === 'disabled' || thinking?.type === 'between_tools'
  const budget = thinking?.type === 'enabled' && canThink ? thinking.budget_tokens : undefined
  return {
    ...(isOff ? { enabled: false } : {}),
    ...(budget === undefined ? {} : { budget }),
    ...(effort === undefined ? {} : { effort: nearestEffort(effort) }),
  }
}

/** Of what a model that does not reason is told of reasoning. */
export function reasoningNotes({ thinking }: PromptRequest, canThink: boolean): RequestNote[] {
  if (canThink || thinking?.budget_tokens === undefined) return []
  const message = 'the model has no marks of reasoning that are known, so it had no effect'
  return [{ path: 'thinking.budget_tokens', message }]
}

/** Where a request asks for JSON. */
export const formatField = 'output_config.format'

/** The engine's options for how the reply is generated. @throws InvalidSchemaError */
export function generationOptions(request: MessagesRequest): RequestOptions {
  const { stop_sequences, temperature, top_p, top_k, seed, cache_salt } = request
  const schema = request.output_config?.format?.schema
  const given = {
    maxTokens: request.max_tokens,
    stop: stop_sequences,
    temperature,
    topP: top_p,
    topK: top_k,
    seed,
    cacheSalt: cache_salt,
    schema: schema && new CompiledSchema(schema, `${formatField}.schema`),
  }
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as ChatOptions
}
