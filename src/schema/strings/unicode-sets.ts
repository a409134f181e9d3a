import { joined, type Range } from '../writing/ranges.js'

/** A name of Unicode's, with a value or without: `L`, `Script=Greek`. */
const propertyName = /^[A-Za-z][A-Za-z_]{0,63}(=[A-Za-z0-9_]{1,64})?$/

const known = new Map<string, readonly Range[]>()
let everything = ''

/** Whether the set of a property is at hand: else it takes some 10 ms. */
export function isKnownProperty(name: string): boolean {
  return known.has(name)
}

/** The characters that have a property of Unicode's; undefined where there is no such property. */
export function charactersOf(name: string): readonly Range[] | undefined {
  const cached = known.get(name)
  if (cached !== undefined) return cached
  const pattern = propertyPattern(name)
  if (pattern === undefined) return undefined
  if (everything === '') everything = textOfMost()
  const runs = Array.from(everything.matchAll(pattern), ([run]): Range[] => rangesOf(run))
  const others = alike.filter(([first]) => String.fromCodePoint(first).match(pattern) !== null)
  const ranges = joined([...runs.flat(), ...others])
  known.set(name, ranges)
  return ranges
}

/** Only a name becomes a RegExp, and nothing else that a client sends. */
function propertyPattern(name: string): RegExp | undefined {
  if (!propertyName.test(name)) return undefined
  try {
    return new RegExp(`\\p{${name}}+`, 'gu')
  } catch {
    return undefined // a name that Unicode does not know
  }
}

/** Of a run of characters that stand in the text of most: they need not follow each other. */
function rangesOf(run: string): Range[] {
  const ranges: [first: number, last: number][] = []
  for (const character of run) {
    const codePoint = character.codePointAt(0) ?? 0
    const before = ranges.at(-1)
    if (before !== undefined && before[1] === codePoint - 1) before[1] = codePoint
    else ranges.push([codePoint, codePoint])
  }
  return ranges
}

const planes = Array.from({ length: 17 }, (_, i) => i * 0x10000)
/** Where characters have properties of their own. */
const different: readonly Range[] = [
  [0, 0xd7ff],
  [0xe000, 0x3ffff],
  [0xe0000, 0xe0fff],
  ...planes.slice(4).map((plane): Range => [plane + 0xfffe, plane + 0xffff]),
]
/** The others: what holds for the first of a range holds for all of it. */
const alike: readonly Range[] = planes.slice(4).flatMap((plane): Range[] => {
  return [[plane === 0xe0000 ? 0xe1000 : plane, plane + 0xfffd]]
})

/** Characters that have properties of their own, in order, without halves of surrogate pairs. */
function textOfMost(): string {
  const units: number[] = []
  for (const [first, last] of different) {
    for (let codePoint = first; codePoint <= last; codePoint++) {
      if (codePoint > 0xffff) units.push(0xd7c0 + (codePoint >> 10), 0xdc00 + (codePoint & 0x3ff))
      else units.push(codePoint)
    }
  }
  return Buffer.from(Uint16Array.from(units).buffer).toString('utf16le')
}
