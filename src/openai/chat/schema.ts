import { z } from 'zod'
import {
  arrayOf,
  boolean,
  integerFrom,
  isEmptyArray,
  isOneOf,
  numberFrom,
  optional,
  unsupported,
} from '../fields.js'
import { chatMessage } from './message.js'

const int32Max = 2 ** 31 - 1
const stopBytesMax = 256
const leaveOut = 'leave the field out'

const stopError = `a string of 1 to ${stopBytesMax} bytes`
const stopString = z
  .string({ error: stopError })
  .refine((text) => text !== '' && Buffer.byteLength(text) <= stopBytesMax, { error: stopError })

/** One string or up to four; always an array afterwards. */
const stop = z.union([stopString.transform((one) => [one]), arrayOf(stopString, 0, 4, 'strings')], {
  error: `${stopError}, or up to 4 of them`,
})

const seedError = 'a whole number of 64 bits'

/** An int64 on the wire. What a double cannot hold exactly is folded to 32 bits here. */
const seed = z
  .number({ error: seedError })
  .refine((value) => Number.isInteger(value) && Math.abs(value) <= 2 ** 63, { error: seedError })
  .transform((value) =>
    Number.isSafeInteger(value) ? value : Number(BigInt.asUintN(32, BigInt(value))),
  )

const biasError = 'at most 1024 token ids (whole numbers), each with a number from -100 to 100'
const logitBias = z
  .record(z.string(), z.unknown(), { error: biasError })
  .refine(
    (map) => {
      const ids = Object.keys(map)
      return ids.length <= 1024 && ids.every((id) => /^\d{1,10}$/.test(id) && +id <= int32Max)
    },
    { error: biasError },
  )
  .pipe(z.record(z.string(), numberFrom(-100, 100)))

const saltCharactersMax = 256
const saltError = `a string of 1 to ${saltCharactersMax} characters`
const cacheSalt = z
  .string({ error: saltError })
  .min(1, { error: saltError })
  .max(saltCharactersMax, { error: saltError })

const streamOptions = z.object(
  { include_usage: optional(boolean()) },
  { error: 'an object such as {"include_usage": true}' },
)

/** OpenAI's fields that this server does not have: refused where they ask for something. */
const notHere = {
  n: unsupported('1 (more choices are not supported yet)', isOneOf(1)),
  tools: unsupported(`no tools (they are not supported yet; ${leaveOut})`, isEmptyArray),
  tool_choice: unsupported('"none" or "auto" (there are no tools yet)', isOneOf('none', 'auto')),
  functions: unsupported(`no functions (they are not supported; ${leaveOut})`, isEmptyArray),
  function_call: unsupported('"none" or "auto" (there are no functions)', isOneOf('none', 'auto')),
  response_format: unsupported(
    '{"type": "text"} (structured output is not supported yet)',
    (value) => typeof value === 'object' && (value as { type?: unknown }).type === 'text',
  ),
  logprobs: unsupported('false (logprobs are not supported yet)', isOneOf(false)),
  top_logprobs: unsupported('0 (logprobs are not supported yet)', isOneOf(0)),
  modalities: unsupported(
    '["text"] (this server writes text only)',
    (value) => Array.isArray(value) && value.every((one) => one === 'text'),
  ),
  audio: unsupported(`no audio (this server writes text only; ${leaveOut})`),
  reasoning_effort: unsupported(`no reasoning_effort (it is not supported yet; ${leaveOut})`),
  verbosity: unsupported(`"medium" (others are not supported; ${leaveOut})`, isOneOf('medium')),
  web_search_options: unsupported(`no web search (this server has none; ${leaveOut})`),
  grammar: unsupported(`no grammar (they are not supported yet; ${leaveOut})`, isOneOf('')),
  json_schema: unsupported(`no json_schema (it is not supported yet; ${leaveOut})`),
}

/**
 * POST /v1/chat/completions. Unknown keys pass; null reads as left out. What is left out gets the
 * engine's default, which a server's owner may have set.
 */
export const chatRequest = z
  .object(
    {
      model: z.string({ error: 'the name of a model, such as "default"' }),
      messages: arrayOf(chatMessage, 1, 2048, 'messages'),
      stream: optional(boolean()).pipe(z.boolean().default(false)),
      stream_options: optional(streamOptions),
      max_completion_tokens: optional(integerFrom(1, int32Max)),
      max_tokens: optional(integerFrom(1, int32Max)),
      temperature: optional(numberFrom(0, 2)),
      top_p: optional(numberFrom(0, 1)),
      frequency_penalty: optional(numberFrom(-2, 2)),
      presence_penalty: optional(numberFrom(-2, 2)),
      stop: optional(stop),
      seed: optional(seed),
      logit_bias: optional(logitBias),
      // Local extras, by the names that llama.cpp's own server gave them.
      top_k: optional(integerFrom(0, int32Max)),
      min_p: optional(numberFrom(0, 1)),
      repeat_penalty: optional(
        numberFrom(0, 10).refine((value) => value > 0, { error: 'a number above 0, at most 10' }),
      ),
      repeat_last_n: optional(integerFrom(-1, int32Max)),
      ignore_eos: optional(boolean()),
      // And one by the name that vLLM gave it.
      cache_salt: optional(cacheSalt),
      ...notHere,
    },
    { error: 'a JSON object as the body' },
  )
  .refine((request) => request.stream || request.stream_options === undefined, {
    path: ['stream_options'],
    error: `no stream_options unless "stream" is true (${leaveOut})`,
  })

export type ChatRequest = z.output<typeof chatRequest>
