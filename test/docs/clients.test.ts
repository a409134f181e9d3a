import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { cases } from '../support/clients/cases.js'
import { sectionsOfPage } from '../support/clients/page.js'

// docs/clients.md has a table for each case that test/long/clients runs, and names the test of what
// is sent because of it.

const sections = sectionsOfPage()

test('each case has its section, in their order, and no other has one', () => {
  expect(sections.map(({ title }) => title)).toEqual(Object.values(cases).map((one) => one.title))
})

test.each(sections)('says what is sent, and has a table: $title', ({ table, prose }) => {
  expect(prose).toMatch(/\bSluice|\bNo chunk/)
  expect(table.split('\n').length).toBeGreaterThanOrEqual(3)
})

test('the test of what is sent is there', () => {
  const [, name = ''] =
    /(test\/http\/\S+\.test\.ts)/.exec(readFileSync('docs/clients.md', 'utf8')) ?? []
  expect(existsSync(name)).toBe(true)
})
