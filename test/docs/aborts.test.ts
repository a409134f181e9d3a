import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { abortSites } from '../support/docs/abort-sites.js'

const page = readFileSync('docs/internals/aborts.md', 'utf8')
const llama = 'deps/llama.cpp'

const counted = [...page.matchAll(/^\| (\S+)( \(files\))? \| (\d+) \| (\d+) \| (\d+) \|$/gm)].map(
  ([, folder = '', isFlat, ...numbers]) => ({ folder, isFlat: isFlat !== undefined, numbers }),
)

test('docs/internals/aborts.md counts the places of nine folders', () => {
  expect(counted.map(({ folder }) => folder)).toHaveLength(9)
})

test.each(counted)('$folder has as many as the page says', ({ folder, isFlat, numbers }) => {
  const { asserts, aborts, gpuChecks } = abortSites(path.join(llama, folder), !isFlat)
  expect([asserts, aborts, gpuChecks].map(String)).toEqual(numbers)
})

describe('each test that the page names', () => {
  const names = new Set(
    page.match(/\b(test|native)\/[\w./-]+(\.test\.ts|\.cpp|\.h|\/disk|\/grammar)\b/g),
  )

  test.each([...names])('is there: %s', (name) => {
    expect(existsSync(name)).toBe(true)
  })
})

test('the hooks that the page names are hooks of the failing addon', () => {
  const hooks = new Set(page.match(/`(logits-\w+|no-memory|stuck)`/g))
  const source = readFileSync('native/llama/test/failing/fail-on-plan.cpp', 'utf8')
  expect(hooks.size).toBe(8)
  for (const hook of hooks) expect(source).toContain(`"${hook.slice(1, -1)}"`)
})
