import { schemaGrammar } from '../schema/schema-grammar.js'

/**
 * A JSON Schema, checked and made a grammar. For a schema that many requests use: they take it in
 * place of the schema itself.
 */
export class CompiledSchema {
  /** GBNF. */
  readonly grammar: string

  /**
   * Takes a few ms for a schema of some KiB.
   * @param at what errors call the schema
   * @throws InvalidSchemaError for what is no JSON Schema, or what no grammar keeps to
   */
  constructor(schema: unknown, at = 'schema') {
    this.grammar = schemaGrammar(schema, at)
  }
}
