import { z } from 'zod'
import type { PastToolCall } from '../../../api/types.js'
import { optional } from '../../fields.js'

/** Calls of earlier turns: as OpenAI has them, as others write them, and as a reply was cut. */

const text = z.string({ error: 'a string' })
const callError = 'an object such as {"id": "...", "type": "function", "function": {...}}'
const functionError = 'an object such as {"name": "get_weather", "arguments": "{}"}'

/** Text as the model wrote it, cut or not, or the object that it stands for. */
const callArguments = optional(z.unknown()).transform((value) => {
  return typeof value === 'string' ? value : JSON.stringify(value ?? {})
})

const called = z.object({ name: text, arguments: callArguments }, { error: functionError })

/** What is no function's is one whose arguments are what it was given, as text. */
const custom = z
  .object({ name: text, input: optional(text) }, { error: functionError })
  .transform(({ name, input = '' }) => ({ name, arguments: JSON.stringify({ input }) }))

/** OpenAI's first way to call, one call in a message and without an id. */
export const functionCall = called.transform((call): PastToolCall => call)

/** A call that an assistant made in an earlier turn. */
export const toolCall = z
  .object(
    { id: optional(text), function: optional(called), custom: optional(custom) },
    { error: callError },
  )
  .refine((call) => call.function !== undefined || call.custom !== undefined, {
    path: ['function'],
    error: functionError,
  })
  .transform(({ id, function: one, custom: other }): PastToolCall => {
    const call = one ?? other ?? { name: '', arguments: '' }
    return { ...(id === undefined ? {} : { id }), ...call }
  })
