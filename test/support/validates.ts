import { Ajv } from 'ajv'
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Schema } from './schemas.js'

const settings = {
  strict: false,
  validateFormats: true,
  logger: false,
  // Else 0.07 were no multiple of 0.01: ajv divides floating-point numbers.
  multipleOfPrecision: 9,
} as const
const latest = new Ajv2020(settings)
const draft7 = new Ajv(settings)
addFormats.default(latest)
addFormats.default(draft7)

/** Whether a text is JSON that a schema allows, as ajv reads that schema's draft. */
export function validates(schema: Schema, text: string): boolean {
  const { $id, $schema: _, ...rest } = schema
  // An $id may come again; it is told apart from others only where something refers to it.
  const text7 = JSON.stringify(rest)
  const isOld = /"items":\[|"additionalItems"|"definitions"|"dependencies"/.test(text7)
  const isReferred = typeof $id === 'string' && /"\$(dynamicR|r)ef":/.test(text7)
  const own = isReferred ? { $id, ...rest } : rest
  const ajv = isOld ? draft7 : latest
  if (isReferred) ajv.removeSchema($id)
  const validate = ajv.compile(own as AnySchema)
  return validate(JSON.parse(text)) === true
}
