import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { wideProse } from '../support/docs/width.js'

// Pages are read as text too, and their changes as diffs.

const ofDocs = readdirSync('docs', { recursive: true, encoding: 'utf8' }).map(
  (name) => `docs/${name}`,
)
const inRoot = readdirSync('.')
const all = [...ofDocs, ...inRoot, 'examples/README.md', 'findings/README.md', 'models/README.md']

test.each(all.filter((name) => name.endsWith('.md')))('%s has lines of prose that fit', (page) => {
  expect(wideProse(readFileSync(page, 'utf8'))).toEqual([])
})

describe('a line of prose is counted', () => {
  test.each([
    ['of a paragraph', `word\n${'é'.repeat(121)}`, 2],
    ['behind a block of code', `\`\`\`\n\`\`\`\n${'x'.repeat(121)}`, 3],
    ['with a bar in a list', `- a | ${'x'.repeat(120)}`, 1],
  ])('%s', (_, text, line) => {
    expect(wideProse(text)).toEqual([line])
  })

  test.each([
    ['at its widest', 'é'.repeat(120)],
    ['of a table', `| ${'x'.repeat(130)} |`],
    ['of a table in a list', `- a\n  | ${'x'.repeat(130)} |`],
    ['of code', `\`\`\`sh\n${'x'.repeat(130)}\n\`\`\``],
    ['of code in a list', `- a\n  \`\`\`sh\n  ${'x'.repeat(130)}\n  \`\`\``],
  ])('not %s', (_, text) => {
    expect(wideProse(text)).toEqual([])
  })
})
