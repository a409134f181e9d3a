import { z } from 'zod'
import { CompiledSchema } from '../engine/compiled-schema.js'
import { InvalidGrammarError, InvalidSchemaError } from '../engine/errors.js'
import type { RequestOptions } from '../engine/types.js'
import { ApiError } from './errors.js'
import { anObject, boolean, optional } from './fields.js'

const grammarBytesMax = 64 * 1024
const formatError = 'an object such as {"type": "json_object"}'
const nameError = 'a name of 1 to 64 letters, digits, _ and -'
const schemaError = 'a JSON Schema (an object)'
const grammarError = `a string of at most ${grammarBytesMax} bytes of GBNF`

const anySchema = anObject(schemaError)

const jsonSchema = z.object(
  {
    name: z.string({ error: nameError }).regex(/^[\w-]{1,64}$/, { error: nameError }),
    description: optional(z.string({ error: 'a string' })),
    schema: anySchema,
    strict: optional(boolean()),
  },
  { error: 'an object such as {"name": "...", "schema": {...}}' },
)

const responseFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    // llama.cpp's own server takes a schema here.
    z.object({ type: z.literal('json_object'), schema: optional(anySchema) }),
    z.object({ type: z.literal('json_schema'), json_schema: jsonSchema }),
  ],
  { error: 'one of "text", "json_object", "json_schema"' },
)

/** What a reply's form is asked for by: OpenAI's field, and two of llama.cpp's own server. */
export const structureFields = {
  response_format: optional(
    z
      .custom<object>((value) => typeof value === 'object' && !Array.isArray(value), {
        error: formatError,
      })
      .pipe(responseFormat),
  ),
  grammar: optional(
    z
      .string({ error: grammarError })
      .refine(
        (text) => text.length <= grammarBytesMax && Buffer.byteLength(text) <= grammarBytesMax,
        { error: grammarError },
      ),
  ),
  json_schema: optional(anySchema),
}

type StructureRequest = z.output<ReturnType<typeof z.object<typeof structureFields>>>

interface Structure {
  readonly field: string
  readonly options: Pick<RequestOptions, 'schema' | 'grammar' | 'json'>
}

/**
 * The engine's options for the form of a reply.
 * @throws ApiError for more than one form, InvalidSchemaError with the path in the request
 */
export function structureOptions(request: StructureRequest): Structure['options'] {
  return structureOf(request, compiled)?.options ?? {}
}

/** What `run` makes; a form that the engine refuses is the request's field that asked for it. */
export async function withStructure<T>(
  request: StructureRequest,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw structureError(error, request)
  }
}

/** An error of the engine with the request's own name for what is at fault. */
export function structureError(error: unknown, request: StructureRequest): unknown {
  const field = structureOf(request, (schema) => schema)?.field
  if (error instanceof InvalidSchemaError) {
    // Where no form was asked for, it is the tools' schemas that are too large together.
    return new InvalidSchemaError(error.message, field ?? 'tools')
  }
  if (error instanceof InvalidGrammarError) return new InvalidGrammarError(error.message, field)
  return error
}

type Use = (schema: object, field: string) => object

const compiled: Use = (schema, field) => new CompiledSchema(schema, field)

function structureOf(request: StructureRequest, use: Use): Structure | undefined {
  const { grammar, json_schema: schema } = request
  const asked: Structure[] = []
  const format = formatOf(request, use)
  if (format !== undefined) asked.push(format)
  if (schema !== undefined) {
    asked.push({ field: 'json_schema', options: { schema: use(schema, 'json_schema') } })
  }
  if (grammar !== undefined && grammar !== '') {
    asked.push({ field: 'grammar', options: { grammar } })
  }
  const [first, second] = asked
  if (first === undefined || second === undefined) return first
  const message = `'${second.field}': expected nothing beside ${first.field}; a reply has one form.`
  throw new ApiError('invalid_request', message, { param: second.field })
}

function formatOf({ response_format: format }: StructureRequest, use: Use): Structure | undefined {
  if (format === undefined || format.type === 'text') return undefined
  if (format.type === 'json_schema') {
    const field = 'response_format.json_schema.schema'
    return { field, options: { schema: use(format.json_schema.schema, field) } }
  }
  const field = 'response_format.schema'
  if (format.schema === undefined) return { field: 'response_format', options: { json: true } }
  return { field, options: { schema: use(format.schema, field) } }
}
