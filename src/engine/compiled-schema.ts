import type { SchemaOutput, StandardSchema } from '../api/standard-schema.js'
import { readSchema } from '../options/schema-objects.js'
import { schemaGrammar } from '../schema/schema-grammar.js'
import { atCaller } from './call-site.js'

/**
 * A schema, checked and made a grammar. For a schema that many requests use: they take it in place
 * of the schema itself.
 *
 * @example
 * ```js
 * import { CompiledSchema, load } from 'sluice'
 *
 * const engine = await load()
 * const schema = new CompiledSchema({
 *   type: 'object',
 *   properties: { name: { type: 'string', maxLength: 20 } },
 *   required: ['name'],
 * })
 * const { name } = await engine.complete('A girl: ', { schema }).object()
 * await engine.close()
 * ```
 */
export class CompiledSchema<Schema extends object = object> {
  /** GBNF. */
  readonly grammar: string
  /** The Standard Schema that it was made of, whose rules `Reply.object()` holds values to. */
  readonly standard: StandardSchema<SchemaOutput<Schema>> | undefined

  /**
   * Takes a few ms for a schema of some KiB.
   * @param schema as RequestOptions.schema
   * @param at what errors call the schema
   * @throws InvalidSchemaError for what is no JSON Schema, or what no grammar keeps to
   */
  constructor(schema: Schema, at = 'schema') {
    const { json, standard } = atCaller(() => readSchema(schema, at))
    this.grammar = atCaller(() => schemaGrammar(json, at))
    this.standard = standard as StandardSchema<SchemaOutput<Schema>> | undefined
  }
}

/** A request's schema, ready; also one that another copy of the package has made. */
export function compiled(schema: object): CompiledSchema {
  return isCompiled(schema) ? schema : new CompiledSchema(schema)
}

function isCompiled(schema: object): schema is CompiledSchema {
  if (schema instanceof CompiledSchema) return true
  const { grammar } = schema as Partial<CompiledSchema>
  return schema.constructor?.name === CompiledSchema.name && typeof grammar === 'string'
}
