import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

// The diffs that CONTRIBUTING.md shows are lines of this tree.

const text = readFileSync('CONTRIBUTING.md', 'utf8')

/** Of the section's first diff: for each file the blocks of lines that it adds. */
function additions(title: string): [file: string, lines: string][] {
  const section = text.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  const diff = /```diff\n(.*?)```/s.exec(section)?.[1] ?? ''
  const files = diff.split('+++ b/').slice(1)
  return files.map((one) => {
    const [file = '', ...lines] = one.trimEnd().split('\n')
    return [file, lines.map((line) => line.slice(1)).join('\n')]
  })
}

describe('the diff of an endpoint', () => {
  const all = additions('Adding an endpoint')

  test('is at most five files', () => {
    expect(all.length).toBeGreaterThan(3)
    expect(all.length).toBeLessThanOrEqual(5)
  })

  test.each(all)('is what stands in %s', (file, lines) => {
    const there = readFileSync(file, 'utf8')
    // A document's lines have others between them.
    for (const part of file.endsWith('.md') ? lines.split('\n') : [lines]) {
      expect(there).toContain(`${part}\n`)
    }
  })
})

test('a sampling option is at most eight files, and each of them has the others', () => {
  const section = text.split('## Adding a sampling option\n')[1]?.split('\n## ')[0] ?? ''
  const files = [...section.matchAll(/^\| (\S+\.\w+) \|/gm)].map(([, file = '']) => file)
  expect(files.length).toBeGreaterThan(3)
  expect(files.length).toBeLessThanOrEqual(8)
  for (const file of files) expect(readFileSync(file, 'utf8')).toMatch(/min_?p/i)
})
