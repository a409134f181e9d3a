import { joined, type Range } from './ranges.js'

/** A name of Unicode's, with a value or without: `L`, `Script=Greek`. */
const propertyName = /^[A-Za-z][A-Za-z_]{0,63}(=[A-Za-z0-9_]{1,64})?$/

const known = new Map<string, readonly Range[]>()
let everything = ''

/** Whether the set of a property is at hand: else it takes some 50 ms. */
export function isKnownProperty(name: string): boolean {
  return known.has(name)
}

/** The characters that have a property of Unicode's; undefined where there is no such property. */
export function charactersOf(name: string): readonly Range[] | undefined {
  const told = known.get(name)
  if (told !== undefined) return told
  const pattern = propertyPattern(name)
  if (pattern === undefined) return undefined
  if (everything === '') everything = textOfAll()
  const ranges = joined(
    Array.from(everything.matchAll(pattern), ([run]): Range => {
      return [run.codePointAt(0) ?? 0, lastOf(run)]
    }),
  )
  known.set(name, ranges)
  return ranges
}

/** Names alone become a RegExp, and nothing else of a stranger's. */
function propertyPattern(name: string): RegExp | undefined {
  if (!propertyName.test(name)) return undefined
  try {
    return new RegExp(`\\p{${name}}+`, 'gu')
  } catch {
    return undefined // a name that Unicode does not know
  }
}

function lastOf(run: string): number {
  const last = run.codePointAt(run.length - 2) ?? 0
  return last > 0xffff ? last : run.charCodeAt(run.length - 1)
}

/** Every character but the halves of surrogate pairs, in order. */
function textOfAll(): string {
  const units = new Uint16Array(0xf800 + 2 * 0x100000)
  let length = 0
  for (let unit = 0; unit <= 0xffff; unit++) {
    if (unit < 0xd800 || unit > 0xdfff) units[length++] = unit
  }
  for (let above = 0; above < 0x100000; above++) {
    units[length++] = 0xd800 + (above >> 10)
    units[length++] = 0xdc00 + (above & 0x3ff)
  }
  return Buffer.from(units.buffer).toString('utf16le')
}
