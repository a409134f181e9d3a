import type { Definition } from '../shapes.js'

/** Where what is sent is not what Anthropic declares. */
interface Departure {
  /** The declaration, by its name in anthropic.schema.json. */
  readonly type: string
  readonly field: string
  /** What may stand there too; undefined where what is declared may be left out. */
  readonly schema?: Definition
  readonly why: string
}

/**
 * The whole list. docs/messages.md shows it, and test/wire/anthropic.test.ts compares the two. What
 * else is not as it is declared fails the test in which it was sent.
 */
export const departures: readonly Departure[] = [
  {
    type: 'TextBlock',
    field: 'citations',
    why: 'left out, as there are none: the AI SDK 6 refuses the `null` that is declared',
  },
  {
    type: 'ErrorResponse',
    field: 'error',
    schema: {
      type: 'object',
      properties: { type: { const: 'request_too_large' }, message: { type: 'string' } },
      required: ['type', 'message'],
      additionalProperties: false,
    },
    why: 'of type `request_too_large` with a 413, as Anthropic documents it',
  },
  {
    type: 'InvalidRequestErrorObject',
    field: 'details',
    schema: {
      type: 'object',
      properties: { error_code: { const: 'thread_unsupported_request' } },
      required: ['error_code'],
      additionalProperties: false,
    },
    why: 'of a request with a `thread`: the SDK reads it, and sends the whole conversation then',
  },
  {
    type: 'ModelInfo',
    field: 'state',
    schema: { enum: ['unloaded', 'loading', 'loaded', 'failed'] },
    why: 'whether the model is in memory',
  },
]
