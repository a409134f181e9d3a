import { readdirSync, readFileSync } from 'node:fs'

/** A fenced block of a page, with what the comment right above it says of its being run. */
export interface Block {
  /** `docs/errors.md` */
  readonly page: string
  /** Of its fence, from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
  /** `not run: REASON`, or `run by TEST`; undefined where it is run as it stands. */
  readonly mark: string | undefined
}

/** README.md, the examples' page, and every page of docs/. */
export function pages(): string[] {
  const docs = readdirSync('docs').filter((name) => name.endsWith('.md'))
  return ['README.md', 'examples/README.md', ...docs.map((name) => `docs/${name}`).sort()]
}

/** What a newcomer reads first, whose sentences and lines of code are short. */
export const firstPages = [
  'README.md',
  'docs/README.md',
  'docs/getting-started.md',
  'docs/program.md',
  'docs/errors.md',
  'docs/structured-output.md',
  'docs/embeddings.md',
  'docs/browser.md',
  'docs/serving.md',
  'docs/sizing.md',
]

export const programLanguages = new Set(['js', 'mjs', 'cjs', 'jsx', 'ts', 'mts', 'tsx', 'sh'])
const otherNames = new Map([
  ['javascript', 'js'],
  ['typescript', 'ts'],
  ['bash', 'sh'],
  ['shell', 'sh'],
  ['console', 'sh'],
])

/** The fenced blocks of the comments of all sources: examples of the reference. */
export function docstringBlocks(): Block[] {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  const sources = files.filter((name) => name.endsWith('.ts')).map((name) => `src/${name}`)
  return sources.sort().flatMap((source) => {
    const lines = readFileSync(source, 'utf8').split('\n')
    // What is no comment is left blank, so that lines keep their numbers.
    const comments = lines.map((line) => /^ *\* ?(?!\/)(.*)/.exec(line)?.[1] ?? '')
    return blocksOf(source, comments.join('\n'))
  })
}

/** All fenced blocks of a page, those within lists too. */
export function blocksOf(page: string, text = readFileSync(page, 'utf8')): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence, name = ''] = /^( *)(```+)([\w-]*)/.exec(lines[at] ?? '') ?? []
    if (fence === undefined) continue
    const begin = at
    const code: string[] = []
    while (++at < lines.length && lines[at]?.trim() !== fence) {
      code.push((lines[at] ?? '').replace(new RegExp(`^ {0,${indent.length}}`), ''))
    }
    const language = otherNames.get(name) ?? name
    blocks.push({
      page,
      line: begin + 1,
      language,
      code: `${code.join('\n')}\n`,
      mark: markAbove(lines, begin),
    })
  }
  return blocks
}

function markAbove(lines: readonly string[], fence: number): string | undefined {
  const above = lines[fence - 1]?.trim() === '' ? lines[fence - 2] : lines[fence - 1]
  return /^ *<!-- ((?:not run:|run by) .*?) -->$/.exec(above ?? '')?.[1]
}
