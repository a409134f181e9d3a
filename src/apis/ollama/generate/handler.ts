import * as z from 'zod'
import type { ChatMessage, RequestOptions } from '../../../api/types.js'
import type { Reply } from '../../../engine/reply.js'
import { aString } from '../../../options/checks.js'
import type { Answer } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { parseJson } from '../../../web/json.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'
import type { Service } from '../../api.js'
import {
  checked,
  fieldError,
  flag,
  isEmptyArray,
  isOneOf,
  optional,
  parseRequest,
  unsupported,
  wholeBody,
} from '../../request.js'
import { formWords } from '../../request-words.js'
import { knownFieldsOf, unknownFields, unknownNotes } from '../../unknown-fields.js'
import { ollamaWords } from '../errors.js'
import { formOptions, replyFields, truncate, withoutEffect } from '../fields.js'
import { optionNotes, reasoningOptions, requestOptions, thinkNotes } from '../options.js'
import { answered, earlyReply, withoutPrompt } from '../reply.js'
import { usedModel } from '../use.js'
import { generateShape } from '../writer.js'

const text = optional(checked(aString)).pipe(z.string().default(''))
const noPictures = unsupported('0 (no pictures are made here)', isOneOf(0))

/** POST /api/generate. Unknown keys pass; null reads as left out. */
export const generateRequest = z.object(
  {
    ...replyFields,
    prompt: text,
    suffix: text,
    system: text,
    raw: flag(),
    truncate,
    template: unsupported(
      'nothing (the model\'s own template is used; write the whole prompt, with "raw")',
      isOneOf(''),
    ),
    context: unsupported(
      'nothing (send the conversation to /api/chat; what it shares is kept)',
      isEmptyArray,
    ),
    images: unsupported('no images (only text is supported)', isEmptyArray),
    width: noPictures,
    height: noPictures,
    steps: noPictures,
  },
  wholeBody,
)

type GenerateRequest = z.output<typeof generateRequest>

const known = knownFieldsOf(generateRequest, withoutEffect)

/** POST /api/generate. Whatever is wrong with the request is said before the headers. */
export async function generate(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const given = parseJson(await call.body())
  const request = parseRequest(generateRequest, given)
  call.note(unknownNotes(unknownFields(given, known)))
  if (request.prompt === '' && request.suffix === '') {
    return withoutPrompt(service, call, request, generateShape, 'prompt')
  }
  const early = earlyReply(request, generateShape)
  const { name, clock, engine } = await usedModel(service, call, request, 'text', early)
  call.note(optionNotes((given as { options?: unknown }).options, request.options, engine))
  const field = request.format === undefined ? undefined : 'format'
  call.errorWords = formWords(ollamaWords('prompt'), field)
  const cacheSalt = call.salt(undefined)
  const reply = replyTo(request, engine, call, {
    ...requestOptions(request.options, service.settings.maxTokens),
    ...formOptions(request),
    ...(cacheSalt === undefined ? {} : { cacheSalt }),
  })
  call.watch(engine, service.settings.engineStallMs)
  await reply.accepted
  return answered(reply, { model: name, clock }, request, generateShape)
}

/** A gap is filled, a text is gone on with, or a question is answered. */
function replyTo(
  { prompt, suffix, system, raw, think, truncate: fits }: GenerateRequest,
  engine: ScopedEngine,
  call: Call,
  options: RequestOptions,
): Reply {
  if (suffix !== '') {
    if (engine.model.canInfill) return engine.complete(prompt, { ...options, suffix })
    const expected = "'' (this model was not trained to fill gaps)"
    throw fieldError('suffix', expected, suffix)
  }
  if (raw && system !== '') throw fieldError('system', 'nothing where "raw" is true', system)
  if (raw) return engine.complete(prompt, options)
  if (!engine.model.hasChatTemplate) {
    if (system === '') return engine.complete(prompt, options)
    throw fieldError('system', 'nothing (this model has no chat template)', system)
  }
  call.note(thinkNotes(think, engine))
  const reasoning = reasoningOptions(think, engine)
  return engine.chat(conversation(system, prompt), {
    ...options,
    ...(Object.keys(reasoning).length === 0 ? {} : { reasoning }),
    ...(fits === true ? { fit: true } : {}),
  })
}

function conversation(system: string, prompt: string): ChatMessage[] {
  const question: ChatMessage = { role: 'user', content: prompt }
  return system === '' ? [question] : [{ role: 'system', content: system }, question]
}
