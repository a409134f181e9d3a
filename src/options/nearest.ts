/** Longer names are no slips of the hand. */
const lengthMax = 64

/** The name that was meant by a misspelt one; undefined where none is near. */
export function nearest(given: string, names: readonly string[]): string | undefined {
  if (given.length > lengthMax) return undefined
  const bare = bareName(given)
  const distances = names.map((name) => ({
    name,
    near: distance(bare, bareName(name)),
    nearAsWritten: distance(given, name),
  }))
  distances.sort((a, b) => a.near - b.near || a.nearAsWritten - b.nearAsWritten)
  const [best] = distances
  if (best === undefined) return undefined
  return best.near <= Math.max(1, Math.floor(bare.length / 3)) ? best.name : undefined
}

/** `max_tokens`, `--max-tokens` and `MaxTokens` are one. */
function bareName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** Letters left out, added, changed, or changed with their neighbour. */
function distance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (isSame ? 0 : 1),
        isSwapped ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], i: number): number {
  return row[i] as number
}
