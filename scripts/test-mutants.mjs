// `npm run test:mutants`: spoils one line of the code for each of the doors' 73 checks, in a copy
// of this checkout, and wants that check's tests to fail (and to pass where nothing is spoiled).
// `--only 5,17` looks at these checks, `--fast` leaves out what needs the addon built again.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { mutants } from '../test/mutants/mutants.mjs'
import { checksIn, wireChecks } from '../test/support/wire/checks.mjs'
import { inRoot } from './support/root.mjs'
import { run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

/**
 * @typedef {import('../test/mutants/mutants.mjs').Mutant} Mutant
 * @typedef {{ name: string, isPassed: boolean }} TestResult
 * @typedef {{ status: number, results: TestResult[], ms: number }} Run
 */

/** Of a file's tests as they are, on a busy machine. */
const runMsMax = 1_800_000

/** Beside three times what a file's tests took: a spoiled one may wait for what never comes. */
const runMsMin = 240_000

/** What a copy shares with the checkout: nothing of it is changed. */
const shared = ['node_modules', 'deps', 'models', 'dist']
const copied = [
  ...['src', 'native', 'test', 'scripts', 'docs', 'package.json', 'vitest.config.ts'],
  ...['tsconfig.json', 'CMakeLists.txt', 'cmake', 'binding.gyp'],
]

await runMain(async () => {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, fast: { type: 'boolean', default: false } },
  })
  const chosen = choose(values.only, values.fast)
  const copy = makeCopy()
  try {
    return await tryAll(copy, chosen)
  } finally {
    fs.rmSync(copy, { recursive: true })
  }
})

/**
 * @param {string | undefined} only
 * @param {boolean} fast
 * @returns {Mutant[]} those of TypeScript first: they need no build
 */
function choose(only, fast) {
  const checks = only?.split(',').map(Number)
  const chosen = mutants
    .filter(({ check }) => checks === undefined || checks.includes(check))
    .filter((mutant) => !fast || !isNative(mutant))
  if (chosen.length === 0) throw new Stop('Expected --only to name checks that have mutants.')
  return [...chosen.filter((one) => !isNative(one)), ...chosen.filter(isNative)]
}

/** @param {Mutant} mutant */
function spoiled({ find, replace }) {
  const lines = replace.split('\n')
  const at = find.split('\n').findIndex((line, i) => line !== lines[i])
  return `${find.split('\n')[at]?.trim()} -> ${lines[at]?.trim() || 'nothing'}`
}

/** @param {Mutant} mutant */
function isNative({ file }) {
  return file.startsWith('native/')
}

/** @returns {string} a copy of this checkout that may be spoiled */
function makeCopy() {
  const copy = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-mutants-')))
  for (const name of copied) fs.cpSync(inRoot(name), path.join(copy, name), { recursive: true })
  for (const name of shared) {
    if (fs.existsSync(inRoot(name))) fs.symlinkSync(inRoot(name), path.join(copy, name))
  }
  fs.mkdirSync(path.join(copy, 'build'))
  fs.symlinkSync(inRoot('build/Release'), path.join(copy, 'build/Release'))
  return copy
}

/**
 * @param {string} copy
 * @param {Mutant[]} chosen
 * @returns {Promise<number>} exit code
 */
async function tryAll(copy, chosen) {
  /** @type {Map<string, Run>} by file, of the unspoiled copy */
  const unspoiled = new Map()
  let survived = 0
  let isBuilt = false
  for (const mutant of chosen) {
    if (isNative(mutant) && !isBuilt) {
      // From here on the copy has a build of its own.
      fs.rmSync(path.join(copy, 'build'), { recursive: true })
      unspoiled.clear()
      isBuilt = true
    }
    const verdict = await tryOne(copy, mutant, unspoiled)
    if (verdict !== '') survived++
    const what = `${String(mutant.check).padStart(2)}: ${wireChecks[mutant.check]}`
    console.log(`${verdict === '' ? '✓' : '✗'} ${what.padEnd(70)} ${mutant.file}`)
    if (verdict !== '') console.log(`  ${spoiled(mutant)}\n  ${verdict}`)
  }
  console.log(`\n${chosen.length - survived} noticed, ${survived} not`)
  return survived === 0 ? 0 : 1
}

/**
 * @param {string} copy
 * @param {Mutant} mutant
 * @param {Map<string, Run>} unspoiled filled as needed
 * @returns {Promise<string>} what is wrong; the empty string if the check noticed
 */
async function tryOne(copy, mutant, unspoiled) {
  const { check, file, find, replace, tests } = mutant
  const build = () => (isNative(mutant) ? buildNative(copy) : undefined)
  if (!unspoiled.has(tests)) await build()
  const whole = unspoiled.get(tests) ?? (await runTests(copy, tests, ''))
  unspoiled.set(tests, whole)
  const before = whole.results.filter(({ name }) => checksIn(name).includes(check))
  if (before.length === 0) return `there is no test of it in ${tests}`
  const failing = before.filter(({ isPassed }) => !isPassed)
  if (failing.length > 0) return `fails as it is: ${failing.map(({ name }) => name).join('; ')}`
  const target = path.join(copy, file)
  const text = fs.readFileSync(target, 'utf8')
  if (text.split(find).length !== 2) return 'what it spoils is not there exactly once'
  fs.writeFileSync(target, text.split(find).join(replace))
  try {
    await build()
    const limitMs = runMsMin + 3 * whole.ms
    const { status } = await runTests(copy, tests, titled(check), limitMs)
    return status === 0 ? 'nothing noticed' : ''
  } finally {
    fs.writeFileSync(target, text)
  }
}

/** @param {number} check whose tests vitest finds by this pattern of their titles */
function titled(check) {
  return `\\bwire check (\\d+, )*${check}\\b`
}

/** @param {string} copy */
async function buildNative(copy) {
  const args = ['scripts/build-native.mjs', '--tests']
  const { status, output } = await run(process.execPath, args, { cwd: copy, quiet: true })
  if (status !== 0) throw new Stop(`The copy cannot be built:\n${output}`)
}

/**
 * @param {string} copy
 * @param {string} file
 * @param {string} name a pattern; of others no test is run
 * @param {number} [limitMs] of running them
 * @returns {Promise<Run>} a crash is a status without a test
 */
async function runTests(copy, file, name, limitMs = runMsMax) {
  const target = path.join(copy, 'results.json')
  fs.rmSync(target, { force: true })
  const vitest = path.join('node_modules', 'vitest', 'vitest.mjs')
  // Over the second adapter of HTTP the same tests would say the same.
  const where = ['--project', '!fetch*', file, '-t', name]
  const args = ['run', ...where, '--reporter=json', `--outputFile=${target}`]
  const options = { cwd: copy, quiet: true, timeout: limitMs }
  const start = performance.now()
  const { status } = await run(process.execPath, [vitest, ...args], options)
  const ms = Math.ceil(performance.now() - start)
  if (!fs.existsSync(target)) return { status: status || 1, results: [], ms }
  /** @type {{ testResults: { assertionResults: { fullName: string, status: string }[] }[] }} */
  const report = JSON.parse(fs.readFileSync(target, 'utf8'))
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const results = tests.map((one) => ({ name: one.fullName, isPassed: one.status === 'passed' }))
  return { status, results, ms }
}
