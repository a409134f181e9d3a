import type { SchemaObject } from './keywords.js'

const known = new WeakMap<SchemaObject, number>()

/**
 * What reading a schema costs: how much there is to look at in it, without the schemas in it. Its
 * entries count, their entries, and the text of the values that it names.
 */
export function costOf(schema: SchemaObject): number {
  const cached = known.get(schema)
  if (cached !== undefined) return cached
  const cost = Object.entries(schema).reduce((sum, entry) => sum + 1 + costOfEntry(entry), 0)
  known.set(schema, cost)
  return cost
}

function costOfEntry([keyword, value]: [string, unknown]): number {
  if (typeof value !== 'object' || value === null) return 0
  if (keyword === 'enum' || keyword === 'const') return JSON.stringify(value).length / 4
  return Array.isArray(value) ? value.length : Object.keys(value).length
}
