import type * as z from 'zod'
import { samplersNotHere } from '../../api/sampling-options.js'
import { isRecord } from '../../options/other-words/tool-choice.js'
import type { Call } from '../../web/call.js'
import { parseJson } from '../../web/json.js'
import {
  fieldError,
  isEmptyArray,
  isGiven,
  isOneOf,
  parseRequest,
  unsupported,
} from '../request.js'
import { knownFieldsOf, unknownFields, unknownNotes } from '../unknown-fields.js'
import { errorWords } from './errors.js'

/**
 * What requests say in the words of other servers: vLLM, SGLang, llama-server, Ollama, TGI and
 * OpenRouter. What has another name here is read under ours, what cannot be done as asked is
 * refused where it would change the reply, and what only tunes is ignored. docs/http-api.md has
 * these tables, and test/wire/docs.test.ts compares them.
 */

type Body = Record<string, unknown>

/** Other names of fields, and ours. */
export const otherNames: Readonly<Record<string, string>> = {
  n_predict: 'max_tokens',
  num_predict: 'max_tokens',
  max_new_tokens: 'max_tokens',
  max_output_tokens: 'max_tokens',
  repetition_penalty: 'repeat_penalty',
  typ_p: 'typical_p',
  mirostat_mode: 'mirostat',
}

/** The same of a chat. */
export const otherChatNames: Readonly<Record<string, string>> = {
  thinking_budget: 'reasoning_budget_tokens',
}

const renames = Object.entries(otherNames)
const chatRenames = [...renames, ...Object.entries(otherChatNames)]

interface Refusal {
  readonly expected: string
  /** Of values that ask for nothing. */
  passes(value: unknown): boolean
}

/** Refused unless its value asks for nothing. */
export function off(...values: unknown[]): Refusal {
  const harmless = values.map((value) => JSON.stringify(value)).join(' or ')
  return { expected: `${harmless} (another is not supported)`, passes: isOneOf(...values) }
}

const nothing: Refusal = {
  expected: 'nothing (it is not supported; leave the field out)',
  passes: (value) => isEmptyArray(value) || value === false || value === '',
}

/** What would change a reply and is not there: refused unless it is off. */
export const notHere: Readonly<Record<string, Refusal>> = {
  ...Object.fromEntries(
    Object.entries(samplersNotHere).map(([name, neutral]) => [name, off(...neutral)]),
  ),
  min_tokens: off(0),
  allowed_token_ids: nothing,
  bad_words: nothing,
  logits_processors: nothing,
  use_beam_search: off(false),
  // What becomes of the text.
  include_stop_str_in_output: off(false),
  skip_special_tokens: off(true),
  detokenize: off(true),
  truncate_prompt_tokens: off(-1),
  add_generation_prompt: off(true),
  chat_template: nothing,
  prompt_logprobs: {
    expected: 'nothing (ask /v1/completions for "echo" with "logprobs")',
    passes: () => false,
  },
  return_tokens_as_token_ids: off(false),
  return_token_ids: off(false),
  return_tokens: off(false),
  response_fields: nothing,
  n_probs: off(0),
  post_sampling_probs: off(false),
  t_max_predict_ms: off(0, -1),
  n_indent: off(0),
  reasoning_format: off('auto', 'deepseek'),
  separate_reasoning: off(true),
  include_reasoning: off(true),
  parse_tool_calls: off(true),
  grammar_lazy: off(false),
  grammar_triggers: nothing,
}

const refusals = new Map(Object.entries(notHere))

/** A field of a schema that is refused alike. */
export function refused({ expected, passes }: Refusal) {
  return unsupported(expected, passes)
}

/** The same of a field of `notHere`. */
export function refusedNotHere(name: string) {
  const refusal = refusals.get(name)
  if (refusal === undefined) throw new Error(`${name} is not in the table`)
  return refused(refusal)
}

/** A template writes its own marks, and a prompt of one's own gets the model's in front. */
function ownMarks(isChat: boolean): Refusal {
  return off(!isChat)
}

/** What tunes, or is about where and how fast: without effect on what a reply says. */
export const withoutEffect: readonly string[] = [
  ...['keep_alive', 'cache_prompt', 'id_slot', 'slot_id', 'n_keep', 'n_discard', 'num_ctx'],
  ...['num_gpu', 'num_thread', 'num_batch', 'num_keep', 'priority', 'request_id', 'raw'],
  ...['timings_per_token', 'return_progress', 'preserved_tokens', 'penalize_nl'],
  ...[
    'adaptive_decay',
    'length_penalty',
    'early_stopping',
    'spaces_between_special_tokens',
    'guided_decoding_backend',
  ],
  ...['guided_whitespace_pattern', 'mm_processor_kwargs', 'stream_reasoning', 'provider'],
  'thinking_forced_open',
]

/** The same of OpenAI's own fields. */
const ofOpenAi: readonly string[] = [
  ...['moderation', 'prediction', 'metadata', 'prompt_cache_key', 'prompt_cache_options'],
  ...['prompt_cache_retention', 'safety_identifier', 'service_tier', 'store', 'user'],
  ...['context_management', 'personality'],
]

/** Fields of which something is known wherever text is asked for. */
const ofAnyEndpoint = [...withoutEffect, ...ofOpenAi, ...Object.keys(notHere)]

/** A request in our words, with the words that it was said in. */
interface Translation {
  readonly body: unknown
  /** For errors: by our name of a field, what the request calls it. */
  readonly names: ReadonlyMap<string, string>
  /** Fields of which nothing is known. */
  readonly unknown: readonly string[]
}

/** The call that a request came by. */
type Noted = Pick<Call, 'errorWords' | 'note'>

/** The field that has the prompt, which tells the endpoints apart: `prompt` is no conversation. */
type PromptField = 'messages' | 'prompt' | 'input'

/**
 * A request for text, in whichever server's words, by its schema; or throws a 400. `call` notes the
 * words before, so that errors name fields as the request does.
 * @param whole of a request that is counted: the one that would be made, whose other fields may be
 *   there
 */
export function parseTextRequest<T extends z.ZodObject>(
  schema: T,
  bytes: Uint8Array,
  prompt: PromptField,
  call: Noted,
  whole: z.ZodObject = schema,
): z.output<T> {
  const isChat = prompt !== 'prompt'
  const translation = inOurWords(parseJson(bytes), whole, isChat)
  call.errorWords = errorWords({
    prompt,
    ...(translation.names.size === 0 ? {} : { names: translation.names }),
  })
  call.note(unknownNotes(translation.unknown))
  return parseRequest(schema, translation.body)
}

/**
 * @param schema what the endpoint itself takes
 * @throws HttpError for what cannot be done, or is said twice in different ways
 */
function inOurWords(given: unknown, schema: z.ZodObject, isChat: boolean): Translation {
  const names = new Map<string, string>()
  if (!isRecord(given)) return { body: given, names, unknown: [] }
  const translator = new Translator(given, names)
  translator.unpack('extra_body', () => true)
  translator.unpack('options', (key) => key !== 'options')
  for (const [other, ours] of isChat ? chatRenames : renames) {
    if (!(other in schema.shape)) translator.rename(other, ours)
  }
  translator.refuse(isChat)
  if (isChat) readReasoning(translator)
  readLogprobs(translator, isChat)
  const known = knownFieldsOf(schema, ofAnyEndpoint)
  const unknown = unknownFields(translator.body, known).filter((key) => !translator.read.has(key))
  return { body: translator.body, names, unknown }
}

/** Of an object whose fields stand for themselves. */
const fieldsMax = 1024

class Translator {
  readonly body: Body
  /** Fields that were taken in. */
  readonly read = new Set<string>()
  readonly #names: Map<string, string>

  constructor(given: Body, names: Map<string, string>) {
    // Not by assignment: a key may be __proto__.
    this.body = Object.fromEntries(Object.entries(given))
    this.#names = names
  }

  /** What the request calls a field of `body`. */
  nameOf(field: string): string {
    return this.#names.get(field) ?? field
  }

  /** The fields of an object stand for themselves: a client's own, or Ollama's. */
  unpack(field: string, takes: (key: string) => boolean): void {
    const inner = this.body[field]
    if (!isRecord(inner)) return
    const entries = Object.entries(inner)
    if (entries.length > fieldsMax) {
      throw fieldError(this.nameOf(field), `at most ${fieldsMax} fields`, entries.length)
    }
    this.read.add(field)
    for (const [key, value] of entries) {
      if (!takes(key) || (Object.hasOwn(this.body, key) && isGiven(this.body[key]))) continue
      this.set(key, value, `${this.nameOf(field)}.${key}`)
    }
  }

  rename(other: string, ours: string): void {
    const value = this.body[other]
    if (value === undefined) return
    this.read.add(other)
    if (isGiven(value)) this.say(ours, value, this.nameOf(other))
  }

  /** Sets one of our fields, unless that says the same already. */
  say(ours: string, value: unknown, said: string): void {
    const own = this.body[ours]
    if (!isGiven(own)) this.set(ours, value, said)
    else if (own !== value)
      throw fieldError(said, `nothing else than ${ours}, whose other name it is`, value)
  }

  set(field: string, value: unknown, said: string): void {
    Object.defineProperty(this.body, field, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
    this.#names.set(field, said)
  }

  refuse(isChat: boolean): void {
    for (const field of Object.keys(this.body)) {
      const refusal = field === 'add_special_tokens' ? ownMarks(isChat) : refusals.get(field)
      const value = this.body[field]
      if (refusal === undefined || !isGiven(value) || refusal.passes(value)) continue
      throw fieldError(this.nameOf(field), refusal.expected, value)
    }
  }

  /** Below chat_template_kwargs, which it may be beside. */
  tellTemplate(name: string, value: unknown, said: string): void {
    const given = this.body.chat_template_kwargs
    const known = isRecord(given) ? given : {}
    if (isGiven(known[name])) {
      if (name === 'documents' || known[name] === value) return
      throw fieldError(
        said,
        `nothing else than chat_template_kwargs.${name}, which it stands for`,
        value,
      )
    }
    const all = Object.fromEntries([...Object.entries(known), [name, value]])
    const path = `chat_template_kwargs.${name}`
    this.#names.set(path, said)
    if (isGiven(given) && !isRecord(given)) return // its own error comes
    this.body.chat_template_kwargs = all
  }
}

/** The many names of the switch for reasoning, of its effort and of its budget. */
function readReasoning(translator: Translator): void {
  const { body, read } = translator
  for (const field of ['enable_thinking', 'think', 'documents']) read.add(field)
  // What is said otherwise is not understood, and told of as unknown.
  if (typeof body.thinking === 'boolean' || isRecord(body.thinking)) read.add('thinking')
  if (isRecord(body.reasoning)) read.add('reasoning')
  const enable = (value: unknown, said: string) => {
    translator.tellTemplate('enable_thinking', value, said)
  }
  const budget = (value: unknown, said: string) => {
    if (isGiven(value)) translator.say('reasoning_budget_tokens', value, said)
  }
  const effort = (value: unknown, said: string) => {
    if (isGiven(value)) translator.say('reasoning_effort', value, said)
  }
  const { enable_thinking: enabled, think, thinking, reasoning, documents } = body
  if (isGiven(enabled)) enable(enabled, translator.nameOf('enable_thinking'))
  if (typeof think === 'boolean') enable(think, translator.nameOf('think'))
  else effort(think, translator.nameOf('think'))
  if (typeof thinking === 'boolean') enable(thinking, translator.nameOf('thinking'))
  else if (isRecord(thinking)) {
    if (isGiven(thinking.type))
      enable(thinking.type !== 'disabled', `${translator.nameOf('thinking')}.type`)
    budget(thinking.budget_tokens, `${translator.nameOf('thinking')}.budget_tokens`)
  }
  if (isRecord(reasoning)) {
    if (isGiven(reasoning.enabled))
      enable(reasoning.enabled, `${translator.nameOf('reasoning')}.enabled`)
    effort(reasoning.effort, `${translator.nameOf('reasoning')}.effort`)
    budget(reasoning.max_tokens, `${translator.nameOf('reasoning')}.max_tokens`)
    if (reasoning.exclude === true) {
      const said = `${translator.nameOf('reasoning')}.exclude`
      throw fieldError(said, 'false (reasoning comes in a field of its own)', true)
    }
  }
  if (isGiven(documents)) {
    translator.tellTemplate('documents', documents, translator.nameOf('documents'))
  }
}

/** A number where a chat says yes or no, and the other way round. */
function readLogprobs(translator: Translator, isChat: boolean): void {
  const { body } = translator
  const { logprobs } = body
  if (isChat && typeof logprobs === 'number') {
    const said = translator.nameOf('logprobs')
    translator.set('logprobs', true, said)
    if (!isGiven(body.top_logprobs)) translator.set('top_logprobs', logprobs, said)
  }
  if (!isChat && typeof logprobs === 'boolean') {
    translator.set('logprobs', logprobs ? 1 : undefined, translator.nameOf('logprobs'))
  }
  const bias = body.logit_bias
  const isShort = Array.isArray(bias) && bias.length <= 1024
  if (isShort && bias.every((one) => Array.isArray(one) && one.length === 2)) {
    const said = translator.nameOf('logit_bias')
    translator.set('logit_bias', Object.fromEntries(bias as [string, unknown][]), said)
  }
}
