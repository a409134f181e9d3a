import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inRoot, root } from '../support/root.mjs'
import { run } from '../support/run.mjs'
import { Stop } from '../support/stop.mjs'
import { findProgram } from '../support/tools.mjs'
import { readCorpus } from './corpus.mjs'

/**
 * @typedef {object} Target
 * @property {number} bytesMax of an input
 * @property {boolean} keeps whether inputs that were found may be added to the corpus: not those
 *   that other software reads too, which might end or hang it
 *
 * @typedef {object} Fuzzed
 * @property {boolean} isGood
 * @property {number} executions
 * @property {number} coverage edges that were reached
 * @property {string} log
 */

/** What each compares is said at the top of native/llama/test/fuzz/TARGET.cpp.
 * @type {Record<string, Target>}
 */
export const targets = {
  'chat-parser': { bytesMax: 800, keeps: true },
  'gguf-preflight': { bytesMax: 1200, keeps: false },
  'grammar-made': { bytesMax: 200, keeps: true },
  'grammar-text': { bytesMax: 500, keeps: false },
  'json-scan': { bytesMax: 200, keeps: true },
  'text-stream': { bytesMax: 200, keeps: true },
}

const buildFolder = inRoot('build-cmake/fuzz')

/** @typedef {{ c: string, cxx: string }} Clang */

/** A Clang with libFuzzer, or why there is none. @returns {Promise<Clang | string>} */
export async function findClang() {
  if (process.platform !== 'linux') return 'the targets are for Linux'
  const c = findProgram(['clang-14', 'clang'])
  const cxx = findProgram(['clang++-14', 'clang++'])
  if (c === undefined || cxx === undefined) return 'no Clang: apt install clang-14'
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-clang-'))
  const file = path.join(folder, 'empty.cpp')
  fs.writeFileSync(file, 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }')
  const args = ['-fsanitize=fuzzer,address,undefined', file, '-o', path.join(folder, 'empty')]
  const { status } = await run(cxx, args, { quiet: true })
  fs.rmSync(folder, { recursive: true })
  return status === 0 ? { c, cxx } : 'Clang has no libFuzzer: apt install libclang-rt-14-dev'
}

/**
 * Builds programs of targets: minutes, the first time.
 * @param {string[]} names
 * @param {Clang} clang
 */
export async function buildTargets(names, { c, cxx }) {
  const compilers = [`-DCMAKE_C_COMPILER=${c}`, `-DCMAKE_CXX_COMPILER=${cxx}`]
  const options = ['-DSLUICE_FUZZ=ON', '-DGGML_NATIVE=OFF', ...compilers]
  const jobs = String(Math.max(1, os.availableParallelism()))
  const programs = names.map((name) => `sluice-fuzz-${name}`)
  for (const args of [
    ['-S', root, '-B', buildFolder, ...options],
    ['--build', buildFolder, '-j', jobs, '--target', ...programs],
  ]) {
    const { status, output } = await run('cmake', args, { quiet: true })
    if (status !== 0) throw new Stop(`The fuzz targets do not build:\n${output.slice(-4000)}`)
  }
}

/** Where a target's inputs are while it runs, and what was found. @param {string} name */
export const folderOf = (name) => inRoot('build/fuzz', name)

/** @param {string} name */
export const programOf = (name) => path.join(buildFolder, 'result', `sluice-fuzz-${name}`)

/**
 * Runs a target from the inputs of the tree on. An input that it failed on is left in folderOf().
 * @param {string} name
 * @param {number} seconds
 * @returns {Promise<Fuzzed>}
 */
export async function fuzz(name, seconds) {
  const folder = folderOf(name)
  const seeds = path.join(folder, 'seeds')
  const found = path.join(folder, 'found')
  fs.rmSync(seeds, { recursive: true, force: true })
  for (const one of [seeds, found]) fs.mkdirSync(one, { recursive: true })
  for (const [i, input] of readCorpus(name).entries()) {
    fs.writeFileSync(path.join(seeds, String(i)), input)
  }
  const options = [
    `-max_total_time=${seconds}`,
    `-max_len=${targets[name]?.bytesMax}`,
    `-artifact_prefix=${folder}/`,
    '-timeout=20',
    '-rss_limit_mb=2048',
    '-print_final_stats=1',
  ]
  const { status, output } = await run(programOf(name), [...options, found, seeds], { quiet: true })
  fs.writeFileSync(path.join(folder, 'log'), output)
  return {
    isGood: status === 0,
    executions: Number(/stat::number_of_executed_units: (\d+)/.exec(output)?.[1] ?? 0),
    coverage: Number([...output.matchAll(/\bcov: (\d+)/g)].at(-1)?.[1] ?? 0),
    log: withoutProgress(output),
  }
}

/** @param {string} output */
function withoutProgress(output) {
  const lines = output.split('\n').filter((line) => !/^(#\d+|".*" # Uses)/.test(line))
  return lines.join('\n').slice(-6000)
}

/**
 * The fewest inputs that reach what all do that were found.
 * @param {string} name
 * @returns {Promise<Buffer[]>}
 */
export async function minimized(name) {
  const folder = folderOf(name)
  const kept = path.join(folder, 'kept')
  fs.rmSync(kept, { recursive: true, force: true })
  fs.mkdirSync(kept)
  const from = ['seeds', 'found'].map((part) => path.join(folder, part))
  const { status, output } = await run(programOf(name), ['-set_cover_merge=1', kept, ...from], {
    quiet: true,
  })
  if (status !== 0)
    throw new Stop(`The inputs of ${name} cannot be merged:\n${output.slice(-2000)}`)
  return fs.readdirSync(kept).map((file) => fs.readFileSync(path.join(kept, file)))
}
