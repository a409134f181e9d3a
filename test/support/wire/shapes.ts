import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import { expect } from 'vitest'
import { type Departure, departures } from './departures.js'
import type { OpenAiTypes } from './openai-types.js'

/** The names of OpenAI's declarations that answers are held against. */
export type Shape = Exclude<keyof OpenAiTypes, `${string}Field`>

/** As much of JSON Schema as is needed here. */
export interface Definition {
  readonly [keyword: string]: unknown
  readonly properties?: Readonly<Record<string, Definition>>
}

interface Document {
  readonly definitions: Readonly<Record<string, Definition>>
}

export const schemaFile = new URL('./openai.schema.json', import.meta.url)
const declared = JSON.parse(readFileSync(schemaFile, 'utf8')) as Document

/** OpenAI's declarations with our departures in them. */
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
ajv.addSchema(departures.reduce(withDeparture, declared), 'openai')
const validators = new Map<Shape, ValidateFunction>()

/** What is wrong with a frame or body of this shape; the empty string if nothing is. */
export function shapeProblem(shape: Shape, value: unknown): string {
  const validate = validatorOf(shape)
  if (validate(value)) return ''
  const found = ajv.errorsText(
    validate.errors?.map((error) => ({ ...error, message: `${error.message}${extraOf(error)}` })),
    { dataVar: shape },
  )
  return `${found} in ${JSON.stringify(value).slice(0, 300)}`
}

/**
 * Fails unless the value is what OpenAI declares, down to the last field. What we send beyond that
 * is in departures.ts.
 */
export function expectOpenAiShape(shape: Shape, value: unknown): void {
  expect(shapeProblem(shape, value)).toBe('')
}

/** The fields that a request may have, as OpenAI declares it. */
export function requestFields(
  request: 'Chat' | 'Completion' | 'Embedding' | 'Decision' | 'Response' | 'InputTokens',
): string[] {
  return declared.definitions.OpenAiTypes?.properties?.[`${request}Field`]?.enum as string[]
}

function validatorOf(shape: Shape): ValidateFunction {
  const known = validators.get(shape)
  if (known !== undefined) return known
  const made = ajv.compile({ $ref: `openai#/definitions/OpenAiTypes/properties/${shape}` })
  validators.set(shape, made)
  return made
}

function extraOf({ params }: { params: Record<string, unknown> }): string {
  return 'additionalProperty' in params ? ` ('${params.additionalProperty}')` : ''
}

function withDeparture(document: Document, { type, field, schema }: Departure): Document {
  const definition = document.definitions[type]
  if (definition === undefined) throw new Error(`OpenAI declares no ${type}`)
  const known = definition.properties?.[field]
  const either = known === undefined ? schema : { anyOf: [known, schema] }
  const properties = { ...definition.properties, [field]: either }
  const changed = { ...definition, properties }
  return { ...document, definitions: { ...document.definitions, [type]: changed } }
}
