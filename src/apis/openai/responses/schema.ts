import * as z from 'zod'
import type { ChatOptions } from '../../../api/types.js'
import { aString, trueOrFalse } from '../../../options/checks.js'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { requestChecks } from '../../../options/request-options.js'
import {
  anObject,
  arrayOf,
  checked,
  isOneOf,
  optional,
  unsupported,
  wholeBody,
} from '../../request.js'
import {
  conversationFields,
  hasOneBudget,
  toolOptions,
  twoBudgetsIssue,
  verbosity,
} from '../chat/schema.js'
import {
  generationFields,
  generationOptions,
  limitOf,
  modelName,
  tokenLimit,
} from '../generation.js'
import {
  type Form,
  formField,
  type Reading,
  readFormat,
  structureOptions,
} from '../response-format.js'
import { inputItems } from './items.js'
import type { Told } from './response.js'
import { ToolNames } from './tool-names.js'
import { forModel, responseToolChoice, responseTools } from './tools.js'

const text = checked(aString)

const schemaError = 'a JSON Schema (an object)'

/** As a chat's, without an object of its own around a schema. */
function readTextFormat(value: unknown, field: string): Reading {
  const isNamed = isRecord(value) && value.type === 'json_schema'
  if (!isNamed || isRecord(value.json_schema)) return readFormat(value, field)
  return isRecord(value.schema)
    ? [{ field: `${field}.schema`, kind: 'schema', value: value.schema }]
    : { path: ['schema'], expected: schemaError }
}

const textFields = z.object({
  format: formField('text.format', readTextFormat),
  verbosity: optional(verbosity),
})

/** What it asks for, and how the response repeats it. */
const textConfig = anObject('an object such as {"format": {"type": "text"}}').transform(
  ({ format: asked, verbosity }, context) => {
    const read = textFields.safeParse({ format: asked, verbosity })
    if (read.success) {
      const told = { format: asked ?? plainText, ...(verbosity ? { verbosity } : {}) }
      return { ...read.data, told }
    }
    for (const issue of read.error.issues) context.issues.push(issue as z.core.$ZodRawIssue)
    return z.NEVER
  },
)

const plainText = { type: 'text' }

const reasoning = z.looseObject(
  {
    summary: optional(text),
    generate_summary: optional(text), // its old name
  },
  { error: 'an object such as {"effort": "low"}' },
)

const includables = 64

/** OpenAI's fields that this server does not have: refused where they ask for something. */
const notHere = {
  background: unsupported('false (responses are made while their client waits)', isOneOf(false)),
  conversation: unsupported('no conversation (none is kept; use previous_response_id)'),
  prompt: unsupported('no prompt template (none is kept; send instructions and input)'),
}

/** What a response only repeats. */
const repeated = {
  metadata: optional(anObject('an object of texts')),
  prompt_cache_key: optional(text),
  safety_identifier: optional(text),
  user: optional(text),
}

const conversation = {
  model: modelName,
  input: inputItems,
  instructions: optional(text),
  previous_response_id: optional(text),
  reasoning: optional(reasoning),
  text: optional(textConfig),
  tools: optional(responseTools),
  tool_choice: optional(responseToolChoice),
  ...conversationFields,
}

/** POST /v1/responses. Unknown keys pass; null reads as left out. */
export const responseRequest = z
  .object(
    {
      ...conversation,
      ...generationFields,
      max_output_tokens: optional(tokenLimit),
      include: optional(arrayOf(text, 0, includables, 'names')),
      top_logprobs: optional(checked(requestChecks.logprobs)),
      store: optional(checked(trueOrFalse)),
      stream_options: optional(anObject('an object such as {"include_obfuscation": false}')),
      ...repeated,
      ...notHere,
    },
    wholeBody,
  )
  .refine(hasOneBudget, twoBudgetsIssue)

export type ResponseRequest = z.output<typeof responseRequest>

/** POST /v1/responses/input_tokens: what of a request makes its prompt. */
export const inputTokensRequest = z
  .object({ ...conversation, conversation: notHere.conversation }, wholeBody)
  .refine(hasOneBudget, twoBudgetsIssue)

type ConversationRequest = z.output<typeof inputTokensRequest>

/** The engine's options for what a request says of tools and reasoning. */
export function conversationOptions(request: ConversationRequest): ChatOptions {
  const { tools, tool_choice: chosen, text } = request
  const names = tools?.names ?? new ToolNames()
  return toolOptions({
    ...request,
    tool_choice: chosen === undefined ? undefined : forModel(chosen.choice, names),
    verbosity: text?.verbosity,
  })
}

/** All of them. @param maxTokens the server's, where the request sets no limit */
export function responseOptions(
  request: ResponseRequest,
  maxTokens: number | undefined,
): ChatOptions {
  const limit = limitOf(request.max_output_tokens ?? request.max_tokens) ?? maxTokens
  const { top_logprobs: alternatives = 0, truncation: fit } = request
  return {
    ...generationOptions({ ...request, stream_options: undefined }),
    ...structureOptions(formsOf(request)),
    ...conversationOptions(request),
    ...(limit === undefined ? {} : { maxTokens: limit }),
    ...(fit === undefined ? {} : { fit }),
    ...(includes(request, 'message.output_text.logprobs') ? { logprobs: alternatives } : {}),
  }
}

/** The forms that a request asks for, in `text` as elsewhere. */
export function formsOf(request: ResponseRequest) {
  const forms: Form[] = [...(request.text?.format ?? []), ...(request.response_format ?? [])]
  return { ...request, response_format: forms.length === 0 ? undefined : forms }
}

function includes({ include = [] }: ResponseRequest, name: string): boolean {
  return include.includes(name)
}

/** Whether reasoning is asked for as a summary, by its new name or the old one. */
export function summaryOf({ reasoning }: ResponseRequest): string | null {
  const summary = reasoning?.summary ?? reasoning?.generate_summary
  return summary === undefined || summary === 'none' ? null : summary
}

/** What of a request its response repeats. */
export function toldOf(request: ResponseRequest): Told {
  const { metadata, prompt_cache_key, safety_identifier, user, tool_choice, tools } = request
  return {
    instructions: request.instructions ?? null,
    max_output_tokens: limitOf(request.max_output_tokens ?? request.max_tokens) ?? null,
    metadata: metadata ?? null,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    ...(prompt_cache_key === undefined ? {} : { prompt_cache_key }),
    reasoning: { effort: request.reasoning_effort ?? null, summary: summaryOf(request) },
    ...(safety_identifier === undefined ? {} : { safety_identifier }),
    temperature: request.temperature ?? null,
    text: request.text?.told ?? { format: plainText },
    tool_choice: tool_choice?.told ?? 'auto',
    tools: tools?.told ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
    truncation: request.truncation ? 'auto' : 'disabled',
    ...(user === undefined ? {} : { user }),
  }
}
