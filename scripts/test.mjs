// `npm test`: prepares this checkout and runs every check: types, lint, formatting, then vitest
// (tidy, native, unit, lifecycle, e2e). The last line is `N passed, N failed`. With --long: the
// tests of test/long instead. Other arguments go to vitest.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { prepare } from './prepare.mjs'
import { inRoot, root } from './support/root.mjs'
import { run } from './support/run.mjs'
import { Stop } from './support/stop.mjs'

/** @typedef {{ passed: number, failed: number }} Sums */

const args = process.argv.slice(2)
const isLong = args.includes('--long')
const vitestArgs = args.filter((arg) => arg !== '--long')
const results = inRoot('build/test-results.json')
const started = Date.now()

const sums = await allChecks()
console.log(`\nin ${Math.round((Date.now() - started) / 1000)} s`)
console.log(`${sums.passed} passed, ${sums.failed} failed`)
process.exitCode = sums.failed === 0 && sums.passed > 0 ? 0 : 1

/** @returns {Promise<Sums>} */
async function allChecks() {
  try {
    await prepare({ tests: true })
    if (isLong) return await vitest(['long*'])
    const checks = [await types(), await lint(), await nativeFormat()]
    const tests = await vitest(['!long*'])
    return {
      passed: checks.filter((ok) => ok).length + tests.passed,
      failed: checks.filter((ok) => !ok).length + tests.failed,
    }
  } catch (error) {
    // Whatever stops us is one failure, so that the last line never sounds better than it is.
    console.error(error instanceof Stop ? `\nsluice: ${error.message}` : error)
    return { passed: 0, failed: 1 }
  }
}

function types() {
  return check('types', binOf('typescript', 'bin/tsc'), ['-p', 'tsconfig.check.json'])
}

function lint() {
  return check('lint', binOf('@biomejs/biome', 'bin/biome'), ['check', '--error-on-warnings', '.'])
}

function nativeFormat() {
  return check('native format', inRoot('scripts/format-native.mjs'), ['--check'])
}

/**
 * @param {string} name
 * @param {string} script
 * @param {string[]} scriptArgs
 */
async function check(name, script, scriptArgs) {
  const { status } = await run(process.execPath, [script, ...scriptArgs], { cwd: root })
  console.log(`${status === 0 ? '✓' : '✗'} ${name}`)
  return status === 0
}

/**
 * @param {string[]} projects of vitest.config.ts
 * @returns {Promise<Sums>}
 */
async function vitest(projects) {
  if (isLong && !fs.existsSync(inRoot('test/long'))) throw new Stop('There is no test/long yet.')
  fs.rmSync(results, { force: true })
  const script = binOf('vitest', 'vitest.mjs')
  const options = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  for (const project of projects) options.push('--project', project)
  const { status } = await run(process.execPath, [script, 'run', ...options, ...vitestArgs], {
    cwd: root,
  })
  if (!fs.existsSync(results)) throw new Stop('vitest ended without its results.')
  return sumsOf(JSON.parse(fs.readFileSync(results, 'utf8')), status)
}

/**
 * @typedef {object} Report vitest's, in Jest's form
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {{ status: string, assertionResults: unknown[] }[]} testResults one per file
 *
 * @param {Report} report
 * @param {number} status
 * @returns {Sums}
 */
function sumsOf(report, status) {
  // A file that cannot be loaded has no tests to count, an unhandled error belongs to none.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const failed = report.numFailedTests + broken.length
  if (report.numPendingTests > 0) console.log(`${report.numPendingTests} skipped`)
  return { passed: report.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed }
}

/**
 * @param {string} name of the package
 * @param {string} script in it
 */
function binOf(name, script) {
  const main = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return path.join(path.dirname(main), script)
}
