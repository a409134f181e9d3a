// `npm run test:mutants`: spoils one line of the code for each of the wire's 43 checks, in a copy
// of this checkout, and wants that check's tests to fail (and to pass where nothing is spoiled).
// `--only 5,17` looks at these checks, `--fast` leaves out what needs the addon built again.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { mutants } from '../test/mutants/mutants.mjs'
import { inRoot } from './support/root.mjs'
import { run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

/**
 * @typedef {import('../test/mutants/mutants.mjs').Mutant} Mutant
 * @typedef {{ passed: number, isFailed: boolean, output: string }} Outcome
 */

/** What a copy shares with the checkout: nothing of it is changed. */
const shared = ['node_modules', 'deps', 'models', 'dist']
const copied = [
  ...['src', 'native', 'test', 'scripts', 'docs', 'package.json', 'vitest.config.ts'],
  ...['tsconfig.json', 'CMakeLists.txt', 'binding.gyp'],
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
  let survived = 0
  let isBuilt = false
  for (const mutant of chosen) {
    if (isNative(mutant) && !isBuilt) {
      // From here on the copy has a build of its own.
      fs.rmSync(path.join(copy, 'build'), { recursive: true })
      isBuilt = true
    }
    const verdict = await tryOne(copy, mutant)
    if (verdict !== '') survived++
    const what = `${mutant.file}: ${spoiled(mutant)}`
    console.log(`${verdict === '' ? '✓' : '✗'} ${String(mutant.check).padStart(2)}  ${what}`)
    if (verdict !== '') console.log(`      ${verdict}`)
  }
  console.log(`\n${chosen.length - survived} noticed, ${survived} not`)
  return survived === 0 ? 0 : 1
}

/**
 * @param {string} copy
 * @param {Mutant} mutant
 * @returns {Promise<string>} what is wrong; the empty string if the check noticed
 */
async function tryOne(copy, mutant) {
  const before = await checked(copy, mutant)
  if (before.passed === 0) return `there is no test of it in ${mutant.tests}`
  if (before.isFailed) return `its tests fail as it is\n${before.output}`
  const file = path.join(copy, mutant.file)
  const text = fs.readFileSync(file, 'utf8')
  if (text.split(mutant.find).length !== 2) return 'what it spoils is not there exactly once'
  fs.writeFileSync(
    file,
    text.replace(mutant.find, () => mutant.replace),
  )
  try {
    const after = await checked(copy, mutant)
    return after.isFailed ? '' : 'nothing noticed'
  } finally {
    fs.writeFileSync(file, text)
  }
}

/**
 * Runs the tests of a mutant's check, and builds before if it is in native code.
 * @param {string} copy
 * @param {Mutant} mutant
 * @returns {Promise<Outcome>}
 */
async function checked(copy, mutant) {
  if (isNative(mutant)) {
    const built = await run(process.execPath, ['scripts/build-native.mjs', '--tests'], {
      cwd: copy,
      quiet: true,
    })
    if (built.status !== 0) throw new Stop(`The mutant of ${mutant.check} cannot be built.`)
  }
  const results = path.join(copy, 'results.json')
  fs.rmSync(results, { force: true })
  const numbered = `(^| )(\\d+, )*${mutant.check}(, \\d+)*: `
  const { status, output } = await run(
    process.execPath,
    [
      ...[path.join('node_modules', 'vitest', 'vitest.mjs'), 'run', mutant.tests],
      ...['-t', numbered, '--reporter=json', `--outputFile=${results}`],
    ],
    { cwd: copy, quiet: true, timeout: 180_000 },
  )
  const isThere = fs.existsSync(results)
  const passed = isThere ? JSON.parse(fs.readFileSync(results, 'utf8')).numPassedTests : 0
  // A crash is a failure that no test is counted for.
  return { passed, isFailed: status !== 0, output }
}
