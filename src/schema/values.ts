import type { Compiler } from './compiler.js'
import { isMultiple } from './numbers.js'
import {
  overlap,
  ownOf,
  type SchemaObject,
  type TypeName,
  typeAbout,
  typeOfValue,
  typesOf,
} from './reading/keywords.js'
import { literal, type Rules } from './writing/rules.js'

/** Of an enum's values those that the schema's other keywords allow as well. */
export function fittingValues(
  values: readonly unknown[],
  schema: SchemaObject,
  path: string,
  compiler: Compiler,
): unknown[] {
  const types = schema.type === undefined ? undefined : typesOf(schema, path)
  return values.filter((value) => {
    const type = typeOfValue(value)
    const isOfType = types?.some(
      (name) => name === type || (name === 'number' && type === 'integer'),
    )
    return isOfType !== false && fits(value, type, schema, path, compiler)
  })
}

function fits(
  value: unknown,
  type: TypeName,
  schema: SchemaObject,
  path: string,
  compiler: Compiler,
): boolean {
  for (const [keyword, limit] of Object.entries(schema)) {
    const about = typeAbout(keyword)
    if (about === undefined || !overlap(about, type)) continue
    const isWithin = ownOf(limits, keyword)
    if (isWithin === undefined) {
      compiler.cannot(`${path}.${keyword}`, 'no such keyword beside enum', limit)
      continue
    }
    const size = type === 'string' ? [...(value as string)].length : (value as number)
    if (!isWithin(size, Number(limit))) return false
  }
  const hasTexts = [schema.pattern, schema.notPattern, schema.format].some((one) => one)
  return type !== 'string' || !hasTexts || compiler.allowsText(schema, path, value as string)
}

/** By keyword, whether a number, or a string of that length, is within its limit. */
const limits: Readonly<Record<string, (size: number, limit: number) => boolean>> = {
  minimum: (size, limit) => size >= limit,
  maximum: (size, limit) => size <= limit,
  exclusiveMinimum: (size, limit) => size > limit,
  exclusiveMaximum: (size, limit) => size < limit,
  multipleOf: isMultiple,
  isWhole: (size) => Number.isInteger(size),
  minLength: (size, limit) => size >= limit,
  maxLength: (size, limit) => size <= limit,
  pattern: () => true,
  notPattern: () => true,
  format: () => true,
}

/** Values as they are written, those that can be, as GBNF. */
export function literalsOf(rules: Rules, values: readonly unknown[]): string[] {
  const texts = values.flatMap((value) => rules.notation.value(value) ?? [])
  return [...new Set(texts)].map(literal)
}

/** The rule of one of some texts: those that begin alike share what they begin with. */
export function oneOfTexts(rules: Rules, texts: readonly string[]): string {
  const characters = [...new Set(texts)].sort().map((text) => Array.from(text))
  return branch(rules, characters, 0)
}

function branch(rules: Rules, texts: readonly (readonly string[])[], from: number): string {
  const groups = new Map<string | undefined, (readonly string[])[]>()
  for (const text of texts) {
    const group = groups.get(text[from])
    if (group === undefined) groups.set(text[from], [text])
    else group.push(text)
  }
  const choices = [...groups.values()].map((group) => {
    const [first = []] = group
    let end = from
    const isShared = () => group.every((text) => end < text.length && text[end] === first[end])
    while (group.length > 1 && isShared()) end++
    if (group.length === 1) return literal(first.slice(from).join(''))
    return `${literal(first.slice(from, end).join(''))} ${branch(rules, group, end)}`
  })
  return rules.oneOf(choices)
}
