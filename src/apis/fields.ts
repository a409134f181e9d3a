import { z } from 'zod'
import type { Check } from '../options/checks.js'

/**
 * Building blocks for request schemas. Every `error` text here names what was expected, as a
 * phrase; issues.ts puts field and received value around it.
 */

/** What a check of an option accepts, in its words. */
export function checked<T>({ expected, accepts }: Check<T>) {
  return z.custom<T>(accepts, { error: expected })
}

/** An object of any keys, as it came. */
export function anObject(error: string) {
  return z.custom<Record<string, unknown>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    { error },
  )
}

/** May be left out or null; both read as undefined. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined)
}

/**
 * An array that is read up to its first wrong item: half a million wrong ones would make half a
 * million issues, and hold the event loop for seconds.
 */
export function arrayOf<T extends z.ZodType>(item: T, min: number, max: number, what: string) {
  const error = min === 0 ? `at most ${max} ${what}` : `${min} to ${max} ${what}`
  return z
    .array(z.unknown(), { error })
    .min(min, { error })
    .max(max, { error })
    .transform((values, context) => {
      const items: z.output<T>[] = []
      for (const [i, value] of values.entries()) {
        const parsed = item.safeParse(value)
        if (!parsed.success) {
          for (const issue of parsed.error.issues) {
            context.issues.push({ ...issue, path: [i, ...issue.path] } as z.core.$ZodRawIssue)
          }
          return z.NEVER
        }
        items.push(parsed.data)
      }
      return items
    })
}

/**
 * A field of OpenAI's that this server cannot honour: a value that asks for nothing passes, any
 * other is refused, because dropping it would change the reply without a word.
 */
export function unsupported(what: string, harmless: (value: unknown) => boolean = () => false) {
  const passes = (value: unknown) => value === undefined || value === null || harmless(value)
  return z.unknown().refine(passes, { error: what }).optional()
}

export const isEmptyArray = (value: unknown) => Array.isArray(value) && value.length === 0

export const isOneOf =
  (...values: unknown[]) =>
  (value: unknown) =>
    values.includes(value)
