/** Texts of objects and arrays, which are asked for again wherever a $ref leads to them. */
const known = new WeakMap<object, string>()

/** The same text for what is the same value: keys in order. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const cached = known.get(value)
  if (cached !== undefined) return cached
  const text = Array.isArray(value) ? `[${value.map(canonicalJson).join()}]` : objectText(value)
  known.set(value, text)
  return text
}

function objectText(object: object): string {
  const pairs = Object.entries(object).map(([key, value]) => {
    return `${JSON.stringify(key)}:${canonicalJson(value)}`
  })
  return `{${pairs.sort().join()}}`
}
