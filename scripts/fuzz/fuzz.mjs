// `npm run fuzz -- TARGET [--seconds N] [--keep]`: gives a target inputs that nobody thought of,
// and says how many, what they reached and what they found. Without a target it lists them.
//
// Those in C++ (native/llama/test/fuzz) are libFuzzer's, with AddressSanitizer and
// UndefinedBehaviorSanitizer: Linux with Clang, and some ten minutes for the first build. --keep
// puts the fewest inputs that reach all of it into test/support/fuzz/corpus. Those in TypeScript
// (test/support/fuzz/inputs) draw values at random; SLUICE_FUZZ_SEED repeats a run.

import { createRequire } from 'node:module'
import path from 'node:path'
import { root } from '../support/root.mjs'
import { run } from '../support/run.mjs'
import { runMain, Stop } from '../support/stop.mjs'
import { writeCorpus } from './corpus.mjs'
import { buildTargets, findClang, folderOf, fuzz, minimized, targets } from './targets.mjs'

/** In test/long/fuzz/inputs.test.ts. */
const inTypeScript = ['schema', 'body']

await runMain(async () => {
  const [name, seconds, keeps] = parse(process.argv.slice(2))
  if (inTypeScript.includes(name)) return fuzzInVitest(name, seconds)
  const clang = await findClang()
  if (typeof clang === 'string') throw new Stop(`The target cannot be built: ${clang}.`)
  await buildTargets([name], clang)
  const { isGood, executions, coverage, log } = await fuzz(name, seconds)
  console.log(`${name}: ${executions} executions, ${coverage} edges of code reached`)
  if (!isGood) {
    console.log(`${log}\n${name} failed; the input and the log are in ${folderOf(name)}`)
    return 1
  }
  if (keeps) writeCorpus(name, await minimized(name))
  return 0
})

/**
 * @param {string[]} args
 * @returns {[name: string, seconds: number, keeps: boolean]}
 */
function parse(args) {
  const at = args.indexOf('--seconds')
  const seconds = at < 0 ? 60 : Number(args[at + 1])
  const [name = '', ...more] = args.filter(
    (arg, i) => arg !== '--keep' && (at < 0 || (i !== at && i !== at + 1)),
  )
  const all = [...Object.keys(targets), ...inTypeScript]
  if (!all.includes(name) || more.length > 0) throw new Stop(`One target of ${all.join(', ')}.`)
  if (!Number.isInteger(seconds) || seconds < 1) throw new Stop('--seconds is a number from 1 on.')
  const keeps = args.includes('--keep')
  if (keeps && targets[name]?.keeps !== true) {
    throw new Stop(`Inputs of ${name} are not kept: what they do to other software is not known.`)
  }
  return [name, seconds, keeps]
}

/**
 * @param {string} name
 * @param {number} seconds
 */
async function fuzzInVitest(name, seconds) {
  const vitestPackage = createRequire(import.meta.url).resolve('vitest/package.json')
  const vitest = path.join(path.dirname(vitestPackage), 'vitest.mjs')
  const args = ['run', '--project', 'long', 'test/long/fuzz/inputs.test.ts', '-t', name]
  const env = { ...process.env, SLUICE_FUZZ_SECONDS: String(seconds) }
  const { status } = await run(process.execPath, [vitest, ...args], { cwd: root, env })
  return status
}
