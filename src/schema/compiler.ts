import type { Host } from './reading/conditions.js'
import type { SchemaObject } from './reading/keywords.js'
import type { Shape } from './reading/one-of.js'
import type { StringLimits } from './strings/string-rules.js'
import type { Rules } from './writing/rules.js'

/** What objects, arrays and values ask of the compiler of the schema that they are part of. */
export interface Compiler extends Host {
  readonly rules: Rules
  /** The rule of what a schema allows; undefined where that is nothing. */
  visit(schema: unknown, path: string, depth: number): string | undefined
  /** A schema with what its $ref and allOf say; undefined where nothing can be all of it. */
  flat(schema: unknown, path: string): SchemaObject | undefined
  /** What tells a schema's values from others'; undefined where it has none. */
  shape(schema: unknown, path: string): Shape | undefined
  /** All values that a schema allows, where they are few; undefined where they are not. */
  valuesOf(schema: unknown, path: string): readonly unknown[] | undefined
  /** What is asked of a string. */
  stringLimits(flat: SchemaObject, path: string): StringLimits
  /** Whether a plain schema allows a string. */
  allowsText(flat: SchemaObject, path: string, text: string): boolean
  /** Whether a pattern matches in a text. */
  matches(pattern: string, text: string, path: string): boolean
  /** The rule of a key within limits that is none of some; undefined where there is none. */
  key(limits: StringLimits, keys: readonly string[], path: string): string | undefined
}
