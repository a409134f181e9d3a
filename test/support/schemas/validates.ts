import { Ajv } from 'ajv'
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Schema } from './schemas.js'

const settings = {
  strict: false,
  validateFormats: true,
  logger: false,
  ownProperties: true, // else each object had a property `hasOwnProperty`
  // Else 0.07 were no multiple of 0.01: ajv divides floating-point numbers.
  multipleOfPrecision: 9,
} as const

interface Readers {
  /** Of draft 2020-12 and of draft 7: with the `u` flag of patterns, and without. */
  readonly latest: readonly (Ajv | Ajv2020)[]
  readonly draft7: readonly Ajv[]
}

function newReaders(): Readers {
  const flags = [true, false]
  const latest = flags.map((unicodeRegExp) => new Ajv2020({ ...settings, unicodeRegExp }))
  const draft7 = flags.map((unicodeRegExp) => new Ajv({ ...settings, unicodeRegExp }))
  for (const ajv of [...latest, ...draft7]) addFormats.default(ajv)
  return { latest, draft7 }
}

/** ajv keeps what it made of every schema, gigabytes in an hour of a fuzzer: it is made anew. */
const schemasMax = 1000
let readers = newReaders()
let schemas = 0

/** Whether a text is JSON that a schema allows, as ajv reads that schema's draft. */
export function validates(schema: Schema, text: string): boolean {
  const { $id, $schema: _, ...rest } = modern(schema) as Schema
  const written = JSON.stringify(rest)
  const isOld = /"items":\[|"additionalItems"|"dependencies"/.test(written)
  // An $id may come again: it is left out where nothing refers to it.
  const isReferred = typeof $id === 'string' && /"\$(dynamicR|r)ef":/.test(written)
  const own = isReferred ? { $id, ...rest } : rest
  if (schemas++ % schemasMax === schemasMax - 1) readers = newReaders()
  // Some patterns are none with the `u` flag.
  const [strictly, loosely] = (isOld ? readers.draft7 : readers.latest) as [Ajv, Ajv]
  return compiled(strictly, own) ?? compiled(loosely, own) ?? false

  function compiled(ajv: Ajv, own: Schema): boolean | undefined {
    if (isReferred) ajv.removeSchema($id as string)
    let validate: (data: unknown) => unknown
    try {
      validate = ajv.compile(own as AnySchema)
    } catch (error) {
      if (ajv === loosely) throw error
      return undefined
    }
    return validate(JSON.parse(text)) === true
  }
}

/** In ajv's words what is said in those of draft 4 and of OpenAPI, which it does not read. */
function modern(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(modern)
  if (typeof value !== 'object' || value === null) return value
  const made = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, modern(one)]))
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof made[exclusive] !== 'boolean') continue
    if (made[exclusive] === true) made[exclusive] = made[bound]
    else delete made[exclusive]
  }
  if (made.nullable === true && made.type === undefined) delete made.nullable
  if (typeof made.$id === 'string' && made.$id.startsWith('#')) {
    made.$anchor = made.$id.slice(1)
    delete made.$id
  }
  return made
}
