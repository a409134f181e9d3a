/** Enough of XML to look at the pictures of this checkout. */

const units = /<[^<>]*>|[^<>]+|[<>]/g
const tag = /^<(\/?)([a-zA-Z]+)((?: [\w-]+="[^"<]*"|\s)*)(\/?)>$/
const loose = /&(?!(?:amp|lt|gt|quot);)/

/** What is not well-formed about it; empty if nothing. */
export function problemsOf(svg: string): string[] {
  const problems: string[] = []
  const open: string[] = []
  for (const [unit] of svg.replace(/\s+/g, ' ').matchAll(units)) {
    if (loose.test(unit)) problems.push(`a loose & in ${unit}`)
    if (!/[<>]/.test(unit)) continue
    const [, end, name, attributes = '', isEmpty] = tag.exec(unit) ?? []
    const names = [...attributes.matchAll(/ ([\w-]+)=/g)].map(([, one]) => one)
    if (name === undefined) problems.push(`no tag: ${unit}`)
    else if (new Set(names).size < names.length) problems.push(`an attribute twice: ${unit}`)
    else if (end === '/' && open.pop() !== name) problems.push(`nothing to close: ${unit}`)
    else if (end === '' && isEmpty === '') open.push(name)
  }
  return [...problems, ...open.map((name) => `never closed: ${name}`)]
}

/** What its text elements say, in their order. */
export function textsOf(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => plain(`${text}`))
}

/** The same by rows: what stood in one until the same moment, from left to right. */
export function rowsOf(svg: string): string[] {
  const frames = svg.matchAll(/@keyframes (\w+) \{.*?([\d.]+%, to \{ opacity: 0|to \{ opacity: 1)/g)
  const ends = new Map([...frames].map(([, name, end]) => [name, end]))
  const rows = new Map<string, [x: number, text: string][]>()
  for (const match of svg.matchAll(/<text([^>]*)>([^<]*)<\/text>/g)) {
    const [, attributes = '', text = ''] = match
    const x = Number(/ x="([\d.]+)"/.exec(attributes)?.[1])
    const end = ends.get(/animation-name:(\w+)/.exec(attributes)?.[1])
    const key = `${end} ${/ y="([\d.]+)"/.exec(attributes)?.[1]}`
    rows.set(key, [...(rows.get(key) ?? []), [x, plain(text)]])
  }
  return [...rows.values()].map((row) => {
    return row
      .sort(([a], [b]) => a - b)
      .map(([, text]) => text)
      .join('')
  })
}

function plain(text: string): string {
  const characters: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' }
  return text.replace(/&(\w+);/g, (_, name: string) => characters[name] ?? '?')
}
