import * as z from 'zod'
import type { DecisionQuestion } from '../../../api/decision-types.js'
import { decideChecks, decisionOptionsMax, questionsMax } from '../../../options/decide-options.js'
import { readContent } from '../../../options/other-words/message-content.js'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { requestChecks } from '../../../options/request-options.js'
import { arrayOf, checked, optional, wholeBody } from '../../request.js'
import { knownFieldsOf, type UnknownWithin, unknownFields } from '../../unknown-fields.js'
import { modelName } from '../generation.js'
import { decisionInput, jsonAsText, jsonError } from './input.js'

/** A question in the engine's words, and what its answer is called. */
export interface NamedQuestion {
  readonly name: string | null
  readonly question: DecisionQuestion
  readonly unknown: readonly UnknownWithin[]
}

type Path = (string | number)[]

const questionError = 'a question (an object with a type)'
const textError = 'a string'

/**
 * What only the wire has is looked at here: parts of text, names, null for what is left out, and
 * fields that nothing is known of. The rest is the engine's to check, by the same names.
 */
const question = z.unknown().transform((given, context): NamedQuestion => {
  const fail = (message: string, path: Path) => {
    context.issues.push({ code: 'custom', message, path, input: given })
    return z.NEVER
  }
  if (!isRecord(given)) return fail(questionError, [])
  const { type, name = null } = given
  if (name !== null && typeof name !== 'string') return fail(textError, ['name'])
  const said = instructionsOf(given.instructions)
  if ('expected' in said) return fail(said.expected, ['instructions', ...said.path])
  const options = type === 'choice' ? 'choices' : type === 'score' ? 'levels' : undefined
  const fields = type === 'choice' ? ['value', 'description'] : ['label', 'description']
  const read = {
    type,
    ...(said.text === undefined ? {} : { instructions: said.text }),
    ...(options === undefined ? {} : { [options]: knownOf(given[options], fields) }),
  }
  const known = new Set(['type', 'name', 'instructions', ...(options ? [options] : [])])
  const unknown = [
    { at: '', names: unknownFields(given, known) },
    ...unknownOfOptions(options, given, new Set(fields)),
  ]
  return { name, question: read as unknown as DecisionQuestion, unknown }
})

function unknownOfOptions(
  options: 'choices' | 'levels' | undefined,
  question: Record<string, unknown>,
  known: ReadonlySet<string>,
): UnknownWithin[] {
  const given = options === undefined ? undefined : question[options]
  if (!isShortList(given)) return []
  return given.flatMap((one, i) => {
    const names = isRecord(one) ? unknownFields(one, known) : []
    return names.length === 0 ? [] : [{ at: `${options}[${i}]`, names }]
  })
}

function instructionsOf(given: unknown): { text?: string } | { expected: string; path: Path } {
  if (given === undefined || given === null) return {}
  const parts = jsonAsText(given)
  if ('wrongAt' in parts) return { expected: jsonError, path: parts.wrongAt }
  const said = readContent(parts.value, 'user')
  return 'expected' in said ? { expected: said.expected, path: [...said.path] } : said
}

/** Millions fit into a body, which the engine refuses: they are not read one by one here. */
function isShortList(options: unknown): options is unknown[] {
  return Array.isArray(options) && options.length <= decisionOptionsMax
}

/** Without fields that nothing is known of, and without null. */
function knownOf(options: unknown, fields: readonly string[]): unknown {
  if (!isShortList(options)) return options
  return options.map((one) => {
    if (!isRecord(one)) return one
    const known = fields.map((field) => [field, one[field]] as const)
    return Object.fromEntries(known.filter(([, value]) => value !== undefined && value !== null))
  })
}

/** POST /v1/decisions. Unknown keys pass; null reads as left out. */
export const decisionRequest = z.object(
  {
    model: modelName,
    input: decisionInput,
    questions: arrayOf(question, 1, questionsMax, 'questions'),
    orders: optional(checked(decideChecks.orders)),
    cache_salt: optional(checked(requestChecks.cacheSalt)),
  },
  wholeBody,
)

/** OpenAI's own fields that change nothing here. */
const withoutEffect = [
  ...['prompt_cache_key', 'prompt_cache_options', 'safety_identifier', 'metadata', 'user'],
  'store',
]

/** Fields of a body of which something is known. */
export const knownFields = knownFieldsOf(decisionRequest, withoutEffect)
