import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import type { Definition } from '../shapes.js'
import type { AnthropicTypes } from './anthropic-types.js'
import { departures } from './departures.js'

/** The names of Anthropic's declarations that answers are held against. */
export type Shape = Exclude<keyof AnthropicTypes, `${string}Field`>

interface Declared extends Definition {
  readonly required?: readonly string[]
}

interface Document {
  readonly definitions: Readonly<Record<string, Declared>>
}

export const schemaFile = new URL('./anthropic.schema.json', import.meta.url)
const declared = JSON.parse(readFileSync(schemaFile, 'utf8')) as Document

const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
ajv.addSchema(departures.reduce(withDeparture, declared), 'anthropic')
const validators = new Map<string, ValidateFunction>()

/** What is wrong with an event or body of this shape; the empty string if nothing is. */
export function anthropicProblem(shape: Shape, value: unknown): string {
  const name = shape === 'StreamEvent' ? eventOf(value) : undefined
  const path = name ?? `AnthropicTypes/properties/${shape}`
  const validate = validators.get(path) ?? ajv.compile({ $ref: `anthropic#/definitions/${path}` })
  validators.set(path, validate)
  if (validate(value)) return ''
  const found = ajv.errorsText(validate.errors, { dataVar: shape })
  return `${found.slice(0, 600)} in ${JSON.stringify(value).slice(0, 300)}`
}

/** The fields that a request may have, as Anthropic declares it. */
export function anthropicFields(request: 'Messages' | 'Count'): string[] {
  const { properties } = declared.definitions.AnthropicTypes as Declared
  return properties?.[`${request}Field`]?.enum as string[]
}

const eventTypes: Readonly<Record<string, string>> = {
  message_start: 'RawMessageStartEvent',
  message_delta: 'RawMessageDeltaEvent',
  message_stop: 'RawMessageStopEvent',
  content_block_start: 'RawContentBlockStartEvent',
  content_block_delta: 'RawContentBlockDeltaEvent',
  content_block_stop: 'RawContentBlockStopEvent',
}

/** The declaration of an event, so that what is wrong with it is told of this one alone. */
function eventOf(value: unknown): string | undefined {
  return eventTypes[String((value as { type?: unknown } | null)?.type)]
}

function withDeparture(document: Document, { type, field, schema }: (typeof departures)[number]) {
  const definition = document.definitions[type]
  if (definition === undefined) throw new Error(`Anthropic declares no ${type}`)
  const known = definition.properties?.[field]
  const either = known === undefined ? schema : { anyOf: [known, schema] }
  const changed =
    schema === undefined
      ? { required: definition.required?.filter((name) => name !== field) ?? [] }
      : { properties: { ...definition.properties, [field]: either as Definition } }
  const definitions = { ...document.definitions, [type]: { ...definition, ...changed } }
  return { ...document, definitions }
}
