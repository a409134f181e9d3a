import type * as z from 'zod'
import type { RequestOptions } from '../../api/types.js'
import { aString, trueOrFalse } from '../../options/checks.js'
import { requestChecks } from '../../options/request-options.js'
import { modelName } from '../openai/generation.js'
import { structureFields, structureOptions } from '../openai/response-format.js'
import { checked, fieldError, flag, optional, unsupported } from '../request.js'
import { keepAlive } from './keep-alive.js'
import { modelOptions, think } from './options.js'

/** What both endpoints take that write text. Ollama streams unless it is told not to. */
export const replyFields = {
  model: modelName,
  stream: flag(true),
  format: structureFields.format,
  options: optional(modelOptions),
  think: optional(think),
  keep_alive: optional(keepAlive),
  logprobs: flag(),
  top_logprobs: optional(checked(requestChecks.logprobs)),
  _debug_render_only: unsupported(
    'false (POST /apply-template tells the prompt)',
    (value) => value === false,
  ),
}

/** Without effect: a reply ends where the context is full, and nothing moves it on. */
export const withoutEffect = ['shift']

export const truncate = optional(checked(trueOrFalse))

const someName = optional(checked(aString))

/** `name` is the older word for `model`. */
export const namedFields = { model: someName, name: someName }

/** The model that a request of these fields names. @throws HttpError, a 400, where it names none */
export function namedModel({ model, name }: NamedModel, expected: string): string {
  const asked = model ?? name
  if (!asked) throw fieldError('model', expected, asked)
  return asked
}

interface NamedModel {
  readonly model?: string | undefined
  readonly name?: string | undefined
}

type ReplyRequest = z.output<ReturnType<typeof z.object<typeof replyFields>>>

/** The engine's options for a reply's form, and for what is told of its tokens. */
export function formOptions(request: ReplyRequest): RequestOptions {
  const { format, logprobs, top_logprobs = 0 } = request
  return {
    ...structureOptions({ format }),
    ...(logprobs || top_logprobs > 0 ? { logprobs: top_logprobs } : {}),
  }
}
