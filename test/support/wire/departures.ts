import type { Definition } from './shapes.js'

/** A field that OpenAI's declarations don't have, or have otherwise than the wire. */
export interface Departure {
  /** The declaration that it belongs to, by its name in openai.schema.json. */
  readonly type: string
  readonly field: string
  /** What may stand there instead, or beside what is declared. */
  readonly schema: Definition
  readonly why: string
}

/**
 * The one list of what this server sends beside OpenAI's declared fields. docs/http-api.md shows
 * it, and test/wire/docs.test.ts compares the two. Everything else that is not declared fails the
 * test in which it was sent.
 */
export const departures: readonly Departure[] = [
  {
    type: 'ChatCompletion',
    field: 'dropped_messages',
    schema: { type: 'array', items: { type: 'integer' }, minItems: 1 },
    why: 'with `truncation`, places of the messages that did not fit, from 0',
  },
  {
    type: 'ChatCompletionChunk',
    field: 'dropped_messages',
    schema: { type: 'array', items: { type: 'integer' }, minItems: 1 },
    why: 'the same in the first frame of a stream',
  },
  {
    type: 'ChatCompletionMessage',
    field: 'reasoning_content',
    schema: { type: 'string' },
    why: "the model's reasoning before its answer, by the name that other local servers use",
  },
  {
    type: 'ChatCompletionChunk.Choice.Delta',
    field: 'reasoning_content',
    schema: { type: 'string' },
    why: 'the same in a stream, piece by piece',
  },
  {
    type: 'CompletionChoice',
    field: 'finish_reason',
    schema: { type: 'null' },
    why: 'in a stream, as long as the choice goes on; OpenAI sends it and does not declare it',
  },
  {
    type: 'CompletionChoice.Logprobs',
    field: 'token_logprobs',
    schema: { type: 'array', items: { type: ['number', 'null'] } },
    why: 'with `echo`, null of the prompt’s first token; OpenAI sends it and does not declare it',
  },
  {
    type: 'CompletionChoice.Logprobs',
    field: 'top_logprobs',
    schema: {
      type: 'array',
      items: { type: ['object', 'null'], additionalProperties: { type: 'number' } },
    },
    why: 'the same',
  },
  {
    type: 'Completion',
    field: 'usage',
    schema: { type: 'null' },
    why: 'in every frame but the last with `include_usage`, as for chats',
  },
  {
    type: 'Embedding',
    field: 'embedding',
    schema: { type: 'string', pattern: '^[A-Za-z0-9+/]+={0,2}$' },
    why: 'a string where `encoding_format` is `base64`, which the declaration leaves out',
  },
  {
    type: 'Model',
    field: 'meta',
    schema: {
      type: 'object',
      properties: {
        n_vocab: { type: 'integer' },
        n_ctx: { type: 'integer' },
        n_ctx_train: { type: 'integer' },
        n_params: { type: 'integer' },
        size: { type: 'integer' },
      },
      required: ['n_ctx', 'n_ctx_train', 'n_params', 'size'],
      additionalProperties: false,
    },
    why: 'what clients of llama-server read: sizes of vocabulary, context and weights',
  },
  {
    type: 'Model',
    field: 'state',
    schema: { enum: ['unloaded', 'loading', 'loaded', 'failed'] },
    why: 'whether the model is in memory',
  },
  {
    type: 'Model',
    field: 'status',
    schema: {
      type: 'object',
      properties: {
        value: { enum: ['unloaded', 'loading', 'loaded'] },
        failed: { const: true },
      },
      required: ['value'],
      additionalProperties: false,
    },
    why: 'the same as llama-server’s router has it',
  },
  {
    type: 'Model',
    field: 'parent',
    schema: { type: 'string' },
    why: 'the model that an adapter belongs to, by vLLM’s name',
  },
  {
    type: 'Model',
    field: 'max_model_len',
    schema: { type: 'integer' },
    why: 'tokens of a conversation, by vLLM’s name',
  },
  {
    type: 'Model',
    field: 'capabilities',
    schema: {
      type: 'array',
      items: { enum: ['completion', 'embedding', 'rerank', 'tools', 'thinking', 'insert'] },
    },
    why: 'what it can do, by Ollama’s names',
  },
]
