// `npm run gpu:pack`: what scripts/gpu/run.sh needs on a machine with a GPU and no network, in one
// file, build/gpu/sluice-gpu.tar.xz: this checkout, llama.cpp's source, the modules that the build
// and the tests load, what TypeScript makes, and this Node. At most 64 MiB, so that it travels.
// There, unpack it with `tar -xf` or, where xz is missing, `python3 -m tarfile -e`.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { compileBench } from '../bench.mjs'
import { fetchLlama } from '../fetch-llama.mjs'
import { buildTypeScript } from '../prepare.mjs'
import { inRoot, root } from '../support/root.mjs'
import { run } from '../support/run.mjs'
import { runMain, Stop } from '../support/stop.mjs'

const sizeMax = 64 * 2 ** 20

/** The build's, the engine's, and those of the tests that run there. */
const modules = [
  ...['cmake-js', 'node-addon-api', 'node-api-headers', 'node-gyp-build'],
  ...['commander', 'pino', 'prom-client', 'yoctocolors', 'zod'],
  ...['vitest', 'openai', 'ajv', 'ajv-formats'],
]

/** Of llama.cpp's source what is compiled, and the tokenizers and templates of our tests. */
const llama = [
  ...['CMakeLists.txt', 'LICENSE', 'licenses', 'cmake', 'include', 'src', 'common', 'vendor'],
  ...['tools', 'scripts/ui-assets.cmake', 'ggml/CMakeLists.txt', 'ggml/cmake', 'ggml/include'],
  'models/templates',
  ...['cpu', 'cuda', 'vulkan', 'blas', 'rpc'].map((name) => `ggml/src/ggml-${name}`),
  ...['llama-spm', 'gpt-2', 'qwen2', 'bert-bge'].map((name) => `models/ggml-vocab-${name}.gguf`),
]

/** @typedef {{ dependencies?: Packages, optionalDependencies?: Packages }} LockedPackage */
/** @typedef {Record<string, unknown>} Packages */

async function pack() {
  await fetchLlama()
  await buildTypeScript()
  await compileBench()
  const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-gpu-'))
  const out = inRoot('build/gpu/sluice-gpu.tar.xz')
  try {
    const stage = path.join(temp, 'sluice')
    await copyCheckout(stage)
    copyAll(llamaFiles(), 'deps/llama.cpp', stage)
    copyAll(modulesNeeded(), '.', stage)
    copyAll(['dist', 'build/bench'], '.', stage)
    await copyNode(path.join(stage, 'bin/node'))
    fs.writeFileSync(path.join(stage, 'COMMIT'), await commit())
    fs.mkdirSync(path.dirname(out), { recursive: true })
    const env = { ...process.env, XZ_OPT: '-6 -T0' }
    await must('tar', ['-cJf', out, '-C', temp, 'sluice'], { env })
  } finally {
    fs.rmSync(temp, { recursive: true, force: true })
  }
  const { size } = fs.statSync(out)
  console.log(`${path.relative(process.cwd(), out)}: ${(size / 2 ** 20).toFixed(1)} MiB`)
  if (size > sizeMax) throw new Stop('That is more than 64 MiB: it does not travel in one piece.')
}

/** For bench/'s results. */
async function commit() {
  const git = async (/** @type {string[]} */ args) =>
    (await run('git', args, { cwd: root, quiet: true })).output.trim()
  const changed = (await git(['status', '--porcelain'])) === '' ? '' : '+'
  return (await git(['rev-parse', '--short', 'HEAD'])) + changed
}

/** @param {string} stage */
async function copyCheckout(stage) {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard']
  const { output } = await run('git', args, { cwd: root, quiet: true })
  const names = output.split('\n').filter((name) => name && !name.startsWith('docs/'))
  copyAll(
    names.filter((name) => fs.existsSync(inRoot(name))),
    '.',
    stage,
  )
}

function llamaFiles() {
  const files = fs.readdirSync(inRoot('deps/llama.cpp/ggml/src'), { withFileTypes: true })
  return [...llama, ...files.filter((f) => f.isFile()).map((f) => `ggml/src/${f.name}`)]
}

/** The folders of all modules that those above need, as package-lock.json has them. */
function modulesNeeded() {
  /** @type {Record<string, LockedPackage>} */
  const locked = JSON.parse(fs.readFileSync(inRoot('package-lock.json'), 'utf8')).packages
  const found = new Set()
  const todo = modules.map((name) => ({ name, from: '' }))
  for (let next = todo.pop(); next; next = todo.pop()) {
    const place = placeOf(next.name, next.from, locked)
    if (!place || found.has(place) || !fs.existsSync(inRoot(place))) continue
    found.add(place)
    const { dependencies, optionalDependencies } = locked[place] ?? {}
    const names = Object.keys({ ...dependencies, ...optionalDependencies })
    todo.push(...names.map((name) => ({ name, from: place })))
  }
  return [...found]
}

/**
 * As Node looks for it: beside, and then further up.
 * @param {string} name
 * @param {string} from
 * @param {Packages} locked
 * @returns {string | undefined}
 */
function placeOf(name, from, locked) {
  const place = path.posix.join(from, 'node_modules', name)
  if (place in locked) return place
  return from === '' ? undefined : placeOf(name, folderAbove(from), locked)
}

/** @param {string} place of a module */
function folderAbove(place) {
  return place.slice(0, place.lastIndexOf('node_modules')).replace(/\/$/, '')
}

/**
 * @param {string[]} names
 * @param {string} from in the checkout
 * @param {string} stage
 */
function copyAll(names, from, stage) {
  for (const name of names) {
    const target = path.join(stage, from, name)
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.cpSync(inRoot(from, name), target, { recursive: true, verbatimSymlinks: true })
  }
}

/** @param {string} target */
async function copyNode(target) {
  fs.mkdirSync(path.dirname(target), { recursive: true })
  fs.copyFileSync(process.execPath, target)
  fs.chmodSync(target, 0o755)
  const { status } = await run('strip', [target], { quiet: true })
  if (status !== 0) console.log('strip is missing: Node goes along with its symbols')
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('../support/run.mjs').RunOptions} options
 */
async function must(command, args, options) {
  const { status, output } = await run(command, args, { ...options, quiet: true })
  if (status !== 0) throw new Stop(`${command} failed:\n${output.trim()}`)
}

await runMain(pack)
