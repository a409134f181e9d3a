import * as z from 'zod'
import type { Accepted, FitRules, RequestNote } from '../../../api/types.js'
import { numberFrom } from '../../../options/checks.js'

/**
 * Whether a conversation that outgrows the context is cut: by the name and the words that OpenAI
 * has for it elsewhere, in responses ("auto") and in realtime sessions (a retention ratio).
 */

const truncationError =
  '"auto", "disabled" or {"type": "retention_ratio", "retention_ratio": a number from 0 to 1}'

export const truncation = z.unknown().transform((given, context): boolean | FitRules => {
  const rules = rulesOf(given)
  if (rules !== undefined) return rules
  context.issues.push({ code: 'custom', message: truncationError, path: [], input: given })
  return z.NEVER
})

function rulesOf(given: unknown): boolean | FitRules | undefined {
  const isObject = typeof given === 'object' && given !== null
  const { type, retention_ratio: retentionRatio } = (isObject ? given : {}) as Given
  const word = isObject ? type : given
  if (word === 'auto') return true
  if (word === 'disabled') return false
  const isShare = word === 'retention_ratio' && aShare.accepts(retentionRatio)
  return isShare ? { retentionRatio } : undefined
}

const aShare = numberFrom(0, 1)

interface Given {
  readonly type?: unknown
  readonly retention_ratio?: unknown
}

/** What an answer says beside OpenAI's fields where something was dropped. */
export interface DroppedMessages {
  /** Their places in the request's list, from 0. */
  readonly dropped_messages?: readonly number[]
}

const none: DroppedMessages = {}

export function droppedMessages({ dropped = [] }: Accepted): DroppedMessages {
  return dropped.length === 0 ? none : { dropped_messages: dropped }
}

/** The same for the answer's notes. @param count of the request's messages */
export function droppedNotes({ dropped = [] }: Accepted, count: number): RequestNote[] {
  if (dropped.length === 0) return []
  const which = toldRanges(dropped, (index) => `${index}`, '-')
  const message = `${dropped.length} of ${count} do not fit the context; left out: ${which}`
  return [{ path: 'messages', message }]
}

/**
 * The same where a message is one of a request's items, or several.
 * @param places where the request has each message, or the first of its items
 */
export function droppedPlaces(
  { dropped = [] }: Accepted,
  places: readonly string[],
): RequestNote[] {
  if (dropped.length === 0) return []
  const which = toldRanges(dropped, (index) => places[index] ?? 'input', ' to ')
  const count = `${dropped.length} of ${places.length} messages`
  return [{ path: 'input', message: `${count} do not fit the context; left out: ${which}` }]
}

/** So many are told one by one. */
const rangesMax = 16

/** `1-24`, or one alone, each by its name. */
function toldRanges(
  numbers: readonly number[],
  nameOf: (number: number) => string,
  between: string,
): string {
  const ranges: [first: number, last: number][] = []
  for (const number of numbers) {
    const range = ranges.at(-1)
    if (range?.[1] === number - 1) range[1] = number
    else ranges.push([number, number])
  }
  const told = ranges.slice(0, rangesMax)
  const texts = told.map((range) => [...new Set(range.map(nameOf))].join(between))
  return [...texts, ...(ranges.length > rangesMax ? ['and others'] : [])].join(', ')
}
