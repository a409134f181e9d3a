// `npm run test:sanitizers`: the native tests, and the addon under the tests of the engine and its
// fuzz, with AddressSanitizer and UndefinedBehaviorSanitizer, then with ThreadSanitizer. Ends well
// where none of them has anything to say. Linux with GCC, and half an hour for the first build.
//
//   node scripts/test-sanitizers.mjs [address] [thread] [--fuzz-ms=120000]
//
// What is suppressed, and why, is in test/sanitizers/*.supp; what was found is left in
// build/SANITIZER/found.*.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { buildNative } from './build-native.mjs'
import { prepare } from './prepare.mjs'
import { inRoot, root } from './support/root.mjs'
import { run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

/** Whatever the engine's threads do; where time and memory are not what is tested. */
const engineTests = ['backpressure', 'choices', 'embeddings', 'ends', 'logprobs', 'chat/reasoning']
const programs = ['sluice-native-tests', 'sluice-llama-tests', 'sluice-kernel-tests']

/** Memory that there cannot be: tests ask for it, and hear of it as of any other. */
const refuses = 'allocator_may_return_null=1'

/** @type {Record<string, { library: string, variable: string, options: string[] }>} */
const sanitizers = {
  address: {
    library: 'libasan.so',
    variable: 'ASAN_OPTIONS',
    // Node leaves most of its own memory to the end of the process.
    options: ['detect_leaks=0', 'detect_stack_use_after_return=0', refuses],
  },
  thread: {
    library: 'libtsan.so',
    variable: 'TSAN_OPTIONS',
    // Node is not instrumented: what it does to memory is unknown, and is not judged.
    options: ['ignore_noninstrumented_modules=1', 'halt_on_error=0', 'history_size=4', refuses],
  },
}

await runMain(async () => {
  const args = process.argv.slice(2)
  const fuzzMs = /^--fuzz-ms=(\d+)$/.exec(args.find((arg) => arg.startsWith('--')) ?? '')?.[1]
  const named = args.filter((arg) => !arg.startsWith('--'))
  for (const name of named) {
    if (sanitizers[name] === undefined) throw new Stop(`There is no sanitizer "${name}".`)
  }
  if (process.platform !== 'linux') throw new Stop('The sanitizers are for Linux with GCC.')
  await prepare({ tests: true })
  let faults = 0
  for (const name of named.length > 0 ? named : Object.keys(sanitizers)) {
    await buildNative([`--sanitize=${name}`])
    faults += await testWith(name, fuzzMs ?? '120000')
  }
  return faults === 0 ? 0 : 1
})

/**
 * @param {string} name of the sanitizer
 * @param {string} fuzzMs
 * @returns {Promise<number>} how many of its runs failed or found something
 */
async function testWith(name, fuzzMs) {
  const folder = inRoot('build', name)
  for (const file of foundIn(folder)) fs.rmSync(path.join(folder, file))
  const env = await environment(name, folder)
  let failed = 0
  for (const program of programs) {
    const { status, output } = await run(path.join(folder, program), [], { quiet: true, env })
    const wrong = output.split('\n').filter((line) => /"ok": ?false/.test(line))
    const isGood = status === 0 && wrong.length === 0
    console.log(`${isGood ? '✓' : '✗'} ${name}: ${program}`)
    if (!isGood) console.log(wrong.join('\n') || output.slice(-4000))
    failed += isGood ? 0 : 1
  }
  const { status } = await engine(name, { ...env, SLUICE_FUZZ_MS: fuzzMs })
  console.log(`${status === 0 ? '✓' : '✗'} ${name}: the engine`)
  const reports = foundIn(folder).map((file) => fs.readFileSync(path.join(folder, file), 'utf8'))
  const found = reports.filter(isFault)
  for (const report of found) console.log(report)
  console.log(`${found.length === 0 ? '✓' : '✗'} ${name}: reports in ${found.length} processes`)
  return failed + (status === 0 ? 0 : 1) + found.length
}

/**
 * The addon in a Node that has the sanitizer's library.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 */
async function engine(name, env) {
  const vitestPackage = createRequire(import.meta.url).resolve('vitest/package.json')
  const vitest = path.join(path.dirname(vitestPackage), 'vitest.mjs')
  const files = [...engineTests, 'fuzz'].map((test) => `test/e2e/engine/${test}.test.ts`)
  const args = [vitest, 'run', '--project', 'p*', '--testTimeout=1800000', ...files]
  const preload = [
    await libraryOf(sanitizers[name]?.library ?? ''),
    await libraryOf('libstdc++.so'),
  ]
  return run(process.execPath, args, {
    cwd: root,
    env: {
      ...env,
      LD_PRELOAD: preload.join(' '),
      SLUICE_TEST_ADDON: path.join(inRoot('build', name), 'sluice.node'),
      SLUICE_FUZZ_HANGS_MS: '900000',
      SLUICE_TEST_SLOWNESS: '100',
    },
  })
}

/**
 * @param {string} name
 * @param {string} folder
 */
async function environment(name, folder) {
  const { variable = '', options = [] } = sanitizers[name] ?? {}
  const log = `log_path=${path.join(folder, 'found')}`
  const suppressions = `suppressions=${inRoot('test/sanitizers', `${name}.supp`)}`
  const all = [...options, log, suppressions].join(':')
  return {
    ...process.env,
    [variable]: all,
    UBSAN_OPTIONS: `print_stacktrace=1:${log}`,
  }
}

/** @param {string} folder */
function foundIn(folder) {
  return fs.readdirSync(folder).filter((file) => file.startsWith('found.'))
}

/** That a test asked for more memory than there can be is no fault. @param {string} report */
function isFault(report) {
  return report
    .split('\n')
    .some((line) => line !== '' && !/WARNING: .* failed to allocate/.test(line))
}

/** @param {string} name of a library of the compiler's */
async function libraryOf(name) {
  const { status, output } = await run('g++', [`-print-file-name=${name}`], { quiet: true })
  const file = output.trim()
  if (status === 0 && path.isAbsolute(file)) return fs.realpathSync(file)
  throw new Stop(`g++ has no ${name}; install the compiler's sanitizers.`)
}
