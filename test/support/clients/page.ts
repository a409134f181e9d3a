import { readFileSync } from 'node:fs'

/** A case as docs/clients.md has it. */
export interface Section {
  readonly title: string
  /** Lines of its table, joined. */
  readonly table: string
  /** What we send, and the tests of that. */
  readonly prose: string
}

/** The sections of docs/clients.md that have a case each. */
export function sectionsOfPage(): Section[] {
  const page = readFileSync('docs/clients.md', 'utf8')
  const [, cases = ''] = page.split('\n## What clients make of what a server sends\n')
  const [all = ''] = cases.split('\n## ')
  return all
    .split('\n### ')
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n')
      const isTable = (line: string) => line.startsWith('|')
      return {
        title,
        table: lines.filter(isTable).join('\n'),
        prose: lines.filter((line) => !isTable(line)).join('\n'),
      }
    })
}
