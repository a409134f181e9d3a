import type * as z from 'zod'
import type { RequestNote } from '../api/types.js'

/** By schema of an endpoint: the fields of which something is known. */
const knownFields = new WeakMap<z.ZodObject, ReadonlySet<string>>()

/** @param others names beside the schema's own, always the same for one schema */
export function knownFieldsOf(
  schema: z.ZodObject,
  others: readonly string[] = [],
): ReadonlySet<string> {
  const found = knownFields.get(schema)
  if (found !== undefined) return found
  const all = new Set([...Object.keys(schema.shape), ...others])
  knownFields.set(schema, all)
  return all
}

/** Of a request's fields, those of which nothing is known. */
export function unknownFields(request: unknown, known: ReadonlySet<string>): string[] {
  return Object.keys(Object(request)).filter((name) => !known.has(name))
}

/** Names of fields that a note repeats, and how many. */
const namePattern = /^[\w.-]{1,64}$/
const namesMax = 32

/** Of fields that nothing is known of the answer says that they had no effect. */
export function unknownNotes(names: readonly string[]): RequestNote[] {
  const told = names.filter((name) => namePattern.test(name)).slice(0, namesMax)
  return told.map((path) => ({ path, message: 'unknown, so it had no effect' }))
}

/** Unknown fields of something in a request, by where it stands in what it belongs to. */
export interface UnknownWithin {
  /** A path such as `choices[0]`; '' is the thing itself. */
  readonly at: string
  readonly names: readonly string[]
}

/** The same notes of what stands below a request's own fields, at the path of what has them. */
export function unknownNotesWithin(
  things: readonly { readonly path: string; readonly unknown: readonly UnknownWithin[] }[],
): RequestNote[] {
  const notes: RequestNote[] = []
  for (const { path, unknown } of things) {
    for (const { at, names } of unknown) {
      const whole = at === '' ? path : `${path}.${at}`
      for (const note of unknownNotes(names)) {
        if (notes.length === namesMax) return notes
        notes.push({ ...note, path: `${whole}.${note.path}` })
      }
    }
  }
  return notes
}
