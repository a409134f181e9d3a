import type { SchemaObject } from './keywords.js'

const known = new WeakMap<SchemaObject, number>()

/**
 * How much there is to look at in a schema, without the schemas in it: its entries, theirs, and the
 * text of the values that it names.
 */
export function weightOf(schema: SchemaObject): number {
  const told = known.get(schema)
  if (told !== undefined) return told
  const weight = Object.entries(schema).reduce((sum, entry) => sum + 1 + weightOfEntry(entry), 0)
  known.set(schema, weight)
  return weight
}

function weightOfEntry([keyword, value]: [string, unknown]): number {
  if (typeof value !== 'object' || value === null) return 0
  if (keyword === 'enum' || keyword === 'const') return JSON.stringify(value).length / 4
  return Array.isArray(value) ? value.length : Object.keys(value).length
}
