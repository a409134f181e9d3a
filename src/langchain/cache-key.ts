import { randomUUID } from 'node:crypto'
import { isPlainObject } from '../api/show.js'

const ids = new WeakMap<object, string>()

/**
 * Options as a cache's key can say them, which is JSON: it would say the same of all expressions,
 * functions and schemas. An object of a class is told by an id that no other one has, so that what
 * was kept for it is found by it alone.
 */
export function plainForKey(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainForKey)
  if (value instanceof RegExp) return String(value)
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainForKey(one)]))
  }
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return isObject ? idOf(value) : value
}

function idOf(value: object): string {
  const id = ids.get(value) ?? randomUUID()
  ids.set(value, id)
  return id
}
