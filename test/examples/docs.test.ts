import { existsSync, readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { blocksOf, docstringBlocks, pages, programLanguages } from '../support/docs/blocks.js'
import { DocsProject, fault, prints, typeErrors } from '../support/docs/runner.js'

// Every program of README.md, of docs/ and of the sources' comments is run as it stands there: see
// runner.ts. What cannot be run says so in a comment right above it, and stands in this table, so
// that nothing is left out unseen. `<!-- run by test/... -->` names another test that runs it.

const notRun: [page: string, reason: string][] = [
  ['README.md', 'npm test runs this very page'],
  ['README.md', 'the package is not on npm yet'],
  ['docs/benchmarks.md', 'an hour'],
  ['docs/getting-started.md', 'it downloads a model'],
  ['README.md', 'it downloads a model'],
  ['docs/getting-started.md', 'the package is not on npm yet'],
  ['docs/gpu.md', 'it installs a driver'],
  ['docs/gpu.md', 'it is for a machine with a GPU'],
  ['docs/kubernetes.md', 'there was no Docker and no cluster'],
  ['docs/kubernetes.md', 'there was no cluster'],
  ['docs/kubernetes.md', 'there was no cluster'],
  ['docs/lora.md', 'it needs adapters of a model'],
  ['docs/lora.md', 'it needs adapters of a model'],
  ['docs/packages.md', 'its tarballs are made in a checkout'],
  ['docs/packages.md', 'minutes of compiling; test/package and test/long do it'],
  ['docs/replicas.md', 'test/long/replicas.test.ts sends these commands without socat'],
  ['docs/runtimes.md', 'it runs tests of this checkout'],
  ['docs/several-machines.md', 'it needs another machine'],
  ['docs/several-machines.md', 'it needs another machine'],
  ['docs/several-machines.md', 'it needs another machine'],
  ['docs/serving.md', 'it changes the system'],
  ['docs/serving.md', 'it needs a certificate'],
  ['docs/serving.md', 'there was no Docker'],
  ['docs/serving.md', 'it asks servers that are not there'],
]

/** Pages whose programs need more than a project of their own, and the test that runs them. */
const otherTests = new Map([
  ['docs/bundlers.md', 'test/long/packages/bundle.test.ts'],
  ['docs/cli.md', 'test/e2e/cli-examples.test.ts'],
  ['docs/frameworks.md', 'test/examples/frameworks-docs.test.ts'],
  ['docs/pull.md', 'test/examples/pull-docs.test.ts'],
  ['examples/README.md', 'test/examples/examples.test.ts'],
])

const programs = [...pages().flatMap((page) => blocksOf(page)), ...docstringBlocks()].filter(
  ({ language }) => programLanguages.has(language),
)
const marked = programs.filter(({ mark }) => mark !== undefined)
const run = programs.filter(({ mark, page }) => mark === undefined && !otherTests.has(page))

const project = new DocsProject()
afterAll(() => project.close())

test('what is not run is listed here, with its reason', () => {
  const skipped = marked.filter(({ mark }) => mark?.startsWith('not run: '))
  const told = skipped.map(({ page, mark = '' }) => [page, mark.slice('not run: '.length)])
  expect(told.sort()).toEqual([...notRun].sort())
})

test('what another test runs names that test', () => {
  const others = [...otherTests].filter(([page]) => programs.some((block) => block.page === page))
  expect(others.filter(([, file]) => !existsSync(file))).toEqual([])
  const elsewhere = marked.filter(({ mark }) => mark?.startsWith('run by '))
  // It is the test of that page, and says so.
  const missing = elsewhere.filter(({ page, mark = '' }) => {
    const file = mark.split(/[\s,:]+/)[2] ?? ''
    return !existsSync(file) || !readFileSync(file, 'utf8').includes(page)
  })
  expect(missing.map(({ page, mark }) => [page, mark])).toEqual([])
})

test('TypeScript of the docs has no type errors', () => {
  expect(typeErrors(programs.filter(({ language }) => /ts$/.test(language)))).toEqual([])
})

describe.each([...new Set(run.map(({ page }) => page))])('%s', (page) => {
  for (const block of run.filter((block) => block.page === page)) {
    test(`line ${block.line} runs (${block.language})`, async () => {
      const { code, stdout, stderr } = await project.run(block)
      expect({ code, stderr, stdout }).toMatchObject({
        code: 0,
        stderr: expect.not.stringMatching(fault),
        stdout: expect.stringMatching(prints(block) ? /\S/ : /^/),
      })
    })
  }
})
