/** Sets of code points, as ranges of them. */

/** A range of code points, both included. */
export type Range = readonly [first: number, last: number]

export const everyCharacter: readonly Range[] = [[0, 0x10ffff]]

export function contains(ranges: readonly Range[], codePoint: number): boolean {
  return ranges.some(([first, last]) => first <= codePoint && codePoint <= last)
}

/** What is in both. */
export function common(a: readonly Range[], b: readonly Range[]): Range[] {
  return a.flatMap(([first, last]) => {
    return b.flatMap(([from, to]): Range[] => {
      const [low, high] = [Math.max(first, from), Math.min(last, to)]
      return low <= high ? [[low, high]] : []
    })
  })
}

/** What is in `ranges` and in none of `taken`. */
export function without(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  const gone = joined(taken)
  return ranges.flatMap(([from, to]) => {
    const left: Range[] = []
    let next = from
    for (let i = firstReaching(gone, from); i < gone.length; i++) {
      const [first, last] = gone[i] as Range
      if (first > to) break
      if (first > next) left.push([next, first - 1])
      next = last + 1
    }
    if (next <= to) left.push([next, to])
    return left
  })
}

/** The same characters in order, with a gap between each two ranges. */
export function joined(ranges: readonly Range[]): Range[] {
  const merged: [first: number, last: number][] = []
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}

/** The index of the first of joined ranges that ends at a code point or beyond. */
function firstReaching(ranges: readonly Range[], codePoint: number): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle] as Range)[1] < codePoint) low = middle + 1
    else high = middle
  }
  return low
}
