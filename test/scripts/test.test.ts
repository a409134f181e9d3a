import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchCheckout } from '../support/packages/scratch-checkout.js'

let scratch: ScratchCheckout
beforeEach(() => {
  scratch = new ScratchCheckout()
  scratch.write('package-lock.json', '{"packages": {"node_modules/a": {"version": "1.0.0"}}}')
})
afterEach(() => scratch[Symbol.dispose]())

/** In place of npm: `npm ci` fails or puts a package in. */
const useNpm = (body: string) => ({ npm_execpath: scratch.write('npm-cli.js', body) })
const lastLine = ({ lines }: { lines: string[] }) => lines.at(-1)

describe('npm test ends with the true sums', () => {
  test('when the dependencies cannot be installed', () => {
    const result = scratch.run('scripts/test.mjs', [], useNpm('process.exit(1)'))
    expect(lastLine(result)).toBe('0 passed, 1 failed')
    expect(result.status).toBe(1)
    expect(result.stderr).toContain('npm ci failed')
  })

  test('when a tool of the native build is missing', () => {
    scratch.remove('bin/cmake')
    const result = scratch.run('scripts/test.mjs', [], useNpm(''))
    expect(lastLine(result)).toBe('0 passed, 1 failed')
    expect(result.stderr).toContain('apt install cmake')
  })

  test.each([
    ['all pass', 0, { numPassedTests: 5, numFailedTests: 0 }, '8 passed, 0 failed'],
    ['a test fails', 1, { numPassedTests: 4, numFailedTests: 1 }, '7 passed, 1 failed'],
    [
      'an error belongs to no test',
      1,
      { numPassedTests: 5, numFailedTests: 0 },
      '8 passed, 1 failed',
    ],
  ])('when %s', (_, vitestStatus, report, expected) => {
    preparedScratch(vitestStatus, report)
    const result = scratch.run('scripts/test.mjs', [], useNpm('process.exit(1)'))
    expect(lastLine(result)).toBe(expected)
    expect(result.status).toBe(expected.endsWith(' 0 failed') ? 0 : 1)
  })

  test('when a test file cannot be loaded', () => {
    const broken = { status: 'failed', assertionResults: [] }
    preparedScratch(1, { numPassedTests: 5, numFailedTests: 0, testResults: [broken, broken] })
    const result = scratch.run('scripts/test.mjs', [], useNpm('process.exit(1)'))
    expect(lastLine(result)).toBe('8 passed, 2 failed')
  })

  test('when types, lint and format fail', () => {
    preparedScratch(0, { numPassedTests: 5, numFailedTests: 0 })
    scratch.write('node_modules/@biomejs/biome/bin/biome', 'process.exit(1)')
    const result = scratch.run('scripts/test.mjs', [], useNpm('process.exit(1)'))
    expect(lastLine(result)).toBe('7 passed, 1 failed')
    expect(result.status).toBe(1)
  })
})

/** Everything in place, with stand-ins for the compilers and for vitest. */
function preparedScratch(vitestStatus: number, report: object) {
  scratch.write('node_modules/.package-lock.json', scratch.read('package-lock.json'))
  for (const name of ['typescript', '@biomejs/biome', 'vitest', 'clang-format-node']) {
    scratch.write(`node_modules/${name}/package.json`, '{}')
  }
  const makeDist = "const fs = require('fs'); fs.mkdirSync('dist/cli', { recursive: true })\n"
  const makeMain = "fs.writeFileSync('dist/cli/main.cjs', '')"
  scratch.write('node_modules/typescript/bin/tsc', makeDist + makeMain)
  scratch.write('src/page/index.html', '')
  scratch.write(
    'node_modules/esbuild/index.js',
    `const ofPage = ['a.css', 'a.js'].map((path) => ({ path, text: '' }))
const made = (folder) => (folder === 'dist/page' ? ofPage : [])
exports.build = async ({ outdir }) => ({ metafile: { inputs: {} }, outputFiles: made(outdir) })`,
  )
  scratch.write('node_modules/@biomejs/biome/bin/biome', '')
  scratch.write('node_modules/clang-format-node/build/cli.js', '')
  const json = JSON.stringify({ numPendingTests: 0, testResults: [], ...report })
  scratch.write(
    'node_modules/vitest/vitest.mjs',
    `import fs from 'node:fs'
fs.writeFileSync('build/test-results.json', ${JSON.stringify(json)})
process.exit(${vitestStatus})`,
  )
}
