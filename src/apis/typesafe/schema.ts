import * as z from 'zod'
import type { DecisionQuestion } from '../../api/decision-types.js'
import { decideChecks, questionsMax } from '../../options/decide-options.js'
import { readQuestion, textOf, textOfJson } from '../../options/other-words/criteria-questions.js'
import { isRecord } from '../../options/other-words/tool-choice.js'
import { requestChecks } from '../../options/request-options.js'
import { anObject, checked, optional, wholeBody } from '../request.js'
import { type UnknownWithin, unknownFields } from '../unknown-fields.js'

/** A question in the engine's words, by the name of its answer. */
export interface NamedQuestion {
  readonly id: string
  readonly question: DecisionQuestion
  readonly unknown: readonly UnknownWithin[]
}

const knownOfQuestion = new Set(['type', 'instructions', 'criteria'])
const knownOfNoul = new Set(['true', 'false'])

const fewQuestions = `an object of 1 to ${questionsMax} questions by their names`

const questions = anObject(fewQuestions).transform((given, context): NamedQuestion[] => {
  const fail = (message: string, path: readonly (string | number)[]) => {
    context.issues.push({ code: 'custom', message, path: [...path], input: given })
    return z.NEVER
  }
  const entries = Object.entries(given)
  if (entries.length === 0 || entries.length > questionsMax) return fail(fewQuestions, [])
  const read: NamedQuestion[] = []
  for (const [id, one] of entries) {
    const question = readQuestion(one)
    if ('expected' in question) return fail(question.expected, [id, ...question.path])
    read.push({ id, question, unknown: unknownOf(one, question) })
  }
  return read
})

function unknownOf(given: unknown, { type }: DecisionQuestion): UnknownWithin[] {
  const { criteria } = given as { criteria?: unknown }
  return [
    { at: '', names: unknownFields(given, knownOfQuestion) },
    { at: 'criteria', names: type === 'predicate' ? unknownFields(criteria, knownOfNoul) : [] },
  ]
}

const imageError = '"text" or "json" (images and other files are not read yet; leave them out)'

/**
 * What is decided about: any JSON. A list of parts, as the AI SDK sends, is told part by part.
 */
const state = z
  .unknown()
  .optional()
  .transform((given, context): string => {
    if (given === undefined) {
      context.issues.push({
        code: 'custom',
        message: 'a text, or any JSON',
        path: [],
        input: given,
      })
      return z.NEVER
    }
    if (!isPartList(given)) return textOf(given) ?? ''
    const texts: string[] = []
    for (const [i, part] of given.entries()) {
      if (part.type === 'file') {
        context.issues.push({
          code: 'custom',
          message: imageError,
          path: [i, 'type'],
          input: given,
        })
        return z.NEVER
      }
      texts.push(part.type === 'text' ? part.text : textOfJson(part.value))
    }
    return texts.join('\n')
  })

type StatePart =
  | { type: 'text'; text: string }
  | { type: 'json'; value: unknown }
  | { type: 'file' }

function isPartList(given: unknown): given is StatePart[] {
  return Array.isArray(given) && given.length > 0 && given.every(isPart)
}

function isPart(part: unknown): boolean {
  if (!isRecord(part)) return false
  if (part.type === 'text') return typeof part.text === 'string'
  if (part.type === 'json') return 'value' in part
  return part.type === 'file' && 'mediaType' in part
}

/** POST /v1/systemone. Unknown keys pass; null reads as left out. */
export const systemOneRequest = z.object(
  {
    model: optional(z.string({ error: 'the name of a model, such as "default"' })),
    state,
    questions,
    orders: optional(checked(decideChecks.orders)),
    cache_salt: optional(checked(requestChecks.cacheSalt)),
  },
  wholeBody,
)
