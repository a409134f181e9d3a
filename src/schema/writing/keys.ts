import { anyKey, quoted } from './json-text.js'
import { contains, without } from './ranges.js'
import { characterClass, literal, type Rules } from './rules.js'

/** A key that is none of these: without escapes, so that no other spelling of one slips in. */
export function otherKey(rules: Rules, keys: readonly string[]): string {
  if (keys.length === 0) return anyKey(rules)
  const { keyCharacters, hasEmptyKey } = rules.notation
  const taken = [...keys, ...(hasEmptyKey ? [] : [''])].map((key) => Array.from(key))
  const anything = rules.add(`${characterClass(keyCharacters)}*`)
  const key = otherThan(rules, taken, 0, anything)
  return hasEmptyKey ? quoted(rules, key) : key
}

function otherThan(
  rules: Rules,
  taken: readonly (readonly string[])[],
  from: number,
  anything: string,
): string {
  const plain = rules.notation.keyCharacters
  const branches = new Map<string, (readonly string[])[]>()
  for (const key of taken) {
    const character = key[from]
    if (character === undefined) continue
    const branch = branches.get(character)
    if (branch === undefined) branches.set(character, [key])
    else branch.push(key)
  }
  if (branches.size === 0) return `${rules.add(characterClass(plain))} ${anything}`
  const codePoints = [...branches.keys()].map((one) => one.codePointAt(0) ?? 0)
  const free = without(
    plain,
    codePoints.map((codePoint) => [codePoint, codePoint] as const),
  )
  const choices = free.length === 0 ? [] : [`${rules.add(characterClass(free))} ${anything}`]
  if (!taken.some((key) => key.length === from)) choices.push('""')
  for (const [character, keys] of branches) {
    if (contains(plain, character.codePointAt(0) ?? 0)) {
      choices.push(`${literal(character)} ${otherThan(rules, keys, from + 1, anything)}`)
    }
  }
  return rules.oneOf(choices)
}
