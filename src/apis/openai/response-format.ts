import * as z from 'zod'
import type { RequestOptions } from '../../api/types.js'
import { CompiledSchema } from '../../engine/compiled-schema.js'
import { isRecord } from '../../options/other-words/tool-choice.js'
import { grammarBytesMax, requestChecks } from '../../options/request-options.js'
import { choiceGrammar, regexGrammar } from '../../schema/text-grammar.js'
import { HttpError } from '../../web/errors.js'
import { jsonIn } from '../../web/json.js'
import { isGiven, optional } from '../request.js'

const formatError = 'an object such as {"type": "json_object"}'
const typeError = 'one of "text", "json_object", "json_schema"'
const schemaError = 'a JSON Schema (an object)'
const grammarError = `a string of at most ${grammarBytesMax} bytes of GBNF`
const regexError = 'a regular expression, as a string'
const choiceError = 'an array of texts, of which the reply is one'

/** A reply's form, as far as it is read. `field` is what of the request asks for it. */
export interface Form {
  readonly field: string
  readonly kind: 'schema' | 'json' | 'grammar' | 'regex' | 'choices'
  readonly value: unknown
}

/** What is wrong with a field that asks for a form; `path` is below the field. */
interface Problem {
  readonly path: readonly string[]
  readonly expected: string
}

export type Reading = readonly Form[] | Problem

const none: readonly Form[] = []
const isProblem = (reading: Reading): reading is Problem => !Array.isArray(reading)

/** A schema, or the text of one, as vLLM and SGLang take it. */
function readSchema(value: unknown, field: string, path: readonly string[] = []): Reading {
  const schema = typeof value === 'string' ? jsonIn(value) : value
  if (!isRecord(schema)) return { path, expected: schemaError }
  return [{ field: [field, ...path].join('.'), kind: 'schema', value: schema }]
}

function readGrammar(value: unknown, field: string, path: readonly string[] = []): Reading {
  if (value === '') return none
  if (!requestChecks.grammar.accepts(value)) return { path, expected: grammarError }
  return [{ field: [field, ...path].join('.'), kind: 'grammar', value }]
}

function readRegex(value: unknown, field: string, path: readonly string[] = []): Reading {
  if (typeof value !== 'string') return { path, expected: regexError }
  return value === '' ? none : [{ field: [field, ...path].join('.'), kind: 'regex', value }]
}

function readChoices(value: unknown, field: string, path: readonly string[] = []): Reading {
  if (!Array.isArray(value)) return { path, expected: choiceError }
  if (value.length === 0) return none
  return [{ field: [field, ...path].join('.'), kind: 'choices', value }]
}

/**
 * OpenAI's `response_format`, and what others make of it: a schema beside the type (llama.cpp,
 * Together), in place of the object that names it (LangChain), a `value` (TGI), a form without a
 * name or type, an expression or a grammar, and Ollama's bare word.
 */
export function readFormat(value: unknown, field: string): Reading {
  if (typeof value === 'string') return readWord(value, field, [], typeError)
  if (!isRecord(value)) return { path: [], expected: formatError }
  const { type, schema, json_schema: named } = value
  switch (type) {
    case 'text':
      return none
    case 'json':
    case 'json_object': {
      const key = ['schema', 'json_schema', 'value'].find((one) => isGiven(value[one]))
      if (key === undefined) return [{ field, kind: 'json', value: true }]
      return key === 'json_schema' ? readNamed(named, field) : readSchema(value[key], field, [key])
    }
    case 'json_schema':
    case undefined:
    case null:
      if (isGiven(named)) return readNamed(named, field)
      if (isGiven(schema)) return readSchema(schema, field, ['schema'])
      if (type === 'json_schema') return [{ field, kind: 'schema', value: undefined }]
      return { path: ['type'], expected: typeError }
    case 'regex':
    case 'grammar': {
      const read = type === 'regex' ? readRegex : readGrammar
      const key = [type, 'pattern', 'value'].find((one) => isGiven(value[one])) ?? type
      return read(value[key], field, [key])
    }
    default:
      return { path: ['type'], expected: typeError }
  }
}

/** Keywords by which an object that is no `{"schema": ...}` is a schema itself. */
const schemaKeywords = ['type', 'properties', '$ref', '$defs', 'anyOf', 'oneOf', 'allOf', 'enum']

function readNamed(value: unknown, field: string): Reading {
  const path = ['json_schema']
  const expected = 'an object such as {"name": "...", "schema": {...}}'
  if (typeof value === 'string') return readSchema(value, field, path)
  if (!isRecord(value)) return { path, expected }
  if (isGiven(value.schema)) return readSchema(value.schema, field, [...path, 'schema'])
  if (schemaKeywords.some((key) => key in value)) return readSchema(value, field, path)
  return { path: [...path, 'schema'], expected: schemaError }
}

/** Ollama's `format`: a word, or a schema. */
function readOllamaFormat(value: unknown, field: string): Reading {
  const expected = '"json", or a JSON Schema (an object)'
  return typeof value === 'string'
    ? readWord(value, field, [], expected)
    : isRecord(value)
      ? readSchema(value, field)
      : { path: [], expected }
}

function readWord(word: string, field: string, path: readonly string[], expected: string): Reading {
  if (word === '' || word === 'text') return none
  if (word === 'json' || word === 'json_object') return [{ field, kind: 'json', value: true }]
  return { path, expected }
}

/** What of vLLM's `structured_outputs` is no form, and says how one is written. */
const manners = new Set([
  'disable_any_whitespace',
  'disable_additional_properties',
  'disable_fallback',
  'whitespace_pattern',
])

function readAnyJson(value: unknown, field: string, path: readonly string[] = []): Reading {
  if (typeof value !== 'boolean') return { path, expected: 'true or false' }
  return value ? [{ field: [field, ...path].join('.'), kind: 'json', value }] : none
}

const structuredReaders = new Map([
  ['json', readSchema],
  ['regex', readRegex],
  ['choice', readChoices],
  ['grammar', readGrammar],
  ['json_object', readAnyJson],
])

function readStructuredOutputs(value: unknown, field: string): Reading {
  const keys = [...structuredReaders.keys()]
  const expected = `an object with one of ${keys.join(', ')}`
  if (!isRecord(value)) return { path: [], expected }
  const forms: Form[] = []
  for (const [key, one] of Object.entries(value)) {
    if (!isGiven(one) || manners.has(key)) continue
    const read = structuredReaders.get(key)
    if (read === undefined) return { path: [key], expected: `nothing (only ${keys.join(', ')})` }
    const reading = read(one, field, [key])
    if (isProblem(reading)) return reading
    forms.push(...reading)
  }
  return forms
}

/** A field that asks for a form: null and what asks for nothing read as left out. */
export function formField(field: string, read: (value: unknown, field: string) => Reading) {
  return optional(
    z.unknown().transform((value, context): readonly Form[] | undefined => {
      if (!isGiven(value)) return undefined
      const reading = read(value, field)
      if (!isProblem(reading)) return reading.length === 0 ? undefined : reading
      const { path, expected } = reading
      context.issues.push({ code: 'custom', message: expected, path: [...path], input: value })
      return z.NEVER
    }),
  )
}

/** What a reply's form is asked for by: OpenAI's field, and those of other servers. */
export const structureFields = {
  response_format: formField('response_format', readFormat),
  // llama-server's.
  grammar: formField('grammar', readGrammar),
  json_schema: formField('json_schema', readSchema),
  // vLLM's, the older ones first.
  guided_json: formField('guided_json', readSchema),
  guided_regex: formField('guided_regex', readRegex),
  guided_choice: formField('guided_choice', readChoices),
  guided_grammar: formField('guided_grammar', readGrammar),
  structured_outputs: formField('structured_outputs', readStructuredOutputs),
  // SGLang's.
  regex: formField('regex', readRegex),
  ebnf: formField('ebnf', readGrammar),
  // Ollama's.
  format: formField('format', readOllamaFormat),
}

type StructureRequest = {
  readonly [Field in keyof typeof structureFields]?: readonly Form[] | undefined
}

/**
 * The engine's options for the form of a reply.
 * @throws HttpError for more than one form, InvalidSchemaError with the path in the request
 */
export function structureOptions(
  request: StructureRequest,
): Pick<RequestOptions, 'schema' | 'grammar' | 'json' | 'regex' | 'choices'> {
  const form = formOf(request)
  if (form === undefined) return {}
  const { field, kind, value } = form
  switch (kind) {
    case 'json':
      return { json: true }
    case 'grammar':
      return { grammar: value as string }
    case 'schema':
      return { schema: new CompiledSchema(value as object, field) }
    case 'regex':
      regexGrammar(value, field)
      return { regex: value as string }
    case 'choices':
      choiceGrammar(value, field)
      return { choices: value as string[] }
  }
}

/** The field that a request asks for a form by. */
export function formFieldOf(request: StructureRequest): string | undefined {
  return formOf(request)?.field
}

/** The one form that a request asks for, by whichever fields. */
function formOf(request: StructureRequest): Form | undefined {
  const fields = Object.keys(structureFields) as (keyof typeof structureFields)[]
  const asked = fields.flatMap((field) => request[field] ?? [])
  // {"type": "json_schema"} alone: the schema stands in a field of its own.
  const forms = asked.filter(({ kind, value }) => kind !== 'schema' || value !== undefined)
  const empty = asked.find((form) => !forms.includes(form))
  const [first, ...others] = forms
  if (empty !== undefined && first?.kind !== 'schema') {
    const param = `${empty.field}.json_schema`
    throw new HttpError(
      'invalid_request',
      `'${param}': expected ${schemaError}, but got nothing.`,
      {
        field: param,
      },
    )
  }
  if (first === undefined) return undefined
  const other = others.find((form) => !isSame(form, first))
  if (other === undefined) return first
  const message = `'${other.field}': expected nothing beside ${first.field}; a reply has one form.`
  throw new HttpError('invalid_request', message, { field: other.field })
}

/** Some clients ask for one form in the words of two servers. */
function isSame(a: Form, b: Form): boolean {
  return a.kind === b.kind && JSON.stringify(a.value) === JSON.stringify(b.value)
}
