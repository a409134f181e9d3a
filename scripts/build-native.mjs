// Builds build/Release/sluice.node with CMake, through cmake-js. Does nothing when nothing changed.
//
//   node scripts/build-native.mjs [--cpu | --cuda | --vulkan | --metal] [--tests] [--release]
//                                 [--sanitize=address|thread] [--config=Debug]
//                                 [--arch=x64] [-DNAME=VALUE ...]
//
// --release builds what a package holds, for any processor: the addon with ggml's libraries beside
// it, into build/prebuild/build/Release (where prebuildify looks), or with --cuda or --vulkan only
// that backend's library, into build/prebuild-cuda or build/prebuild-vulkan.
//
// --sanitize builds the test programs and the addon with AddressSanitizer (and, in our own code,
// UndefinedBehaviorSanitizer) or ThreadSanitizer, into build/address or build/thread.
//
// From the environment: SLUICE_BACKEND (cpu, cuda, vulkan, metal), SLUICE_JOBS (compilers at a
// time), LLAMA_CPP_DIR (another llama.cpp than deps/llama.cpp).

import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { nativeProducts } from './support/native-products.mjs'
import { inRoot, root } from './support/root.mjs'
import { run } from './support/run.mjs'
import { hashOf, isFresh, writeStamp } from './support/stamp.mjs'
import { runMain, Stop } from './support/stop.mjs'
import { requireBuildTools } from './support/tools.mjs'

const backends = ['cpu', 'cuda', 'vulkan', 'metal']
const sanitizers = ['address', 'thread']

/** @typedef {import('./support/native-products.mjs').BuildOptions} BuildOptions */

/** @param {string[]} args */
export async function buildNative(args) {
  const options = parse(args)
  const llamaDir = process.env.LLAMA_CPP_DIR || inRoot('deps/llama.cpp')
  const out = outDir(options)
  let configured = false
  for (const product of nativeProducts(options)) {
    const result = inRoot('build', product.result)
    const stamp = `${result}.stamp`
    // The folder's name holds every option that changes the product.
    const setting = [out, llamaDir, process.versions.modules, os.platform()]
    const hash = hashOf(setting, product.sources)
    // Another llama.cpp may change at any time: then CMake decides what there is to do.
    const mayTrustStamp = !process.env.LLAMA_CPP_DIR
    const isThere = product.optional || fs.existsSync(result)
    if (mayTrustStamp && isThere && isFresh(stamp, hash)) continue

    if (!configured) {
      await requireBuildTools(options.backend)
      await requireLlama(llamaDir)
      forgetOtherPlace(out)
      await cmakeJs(['configure'], options, llamaDir, out)
      configured = true
    }
    await cmakeJs(['build', '-p', String(jobs()), '-T', product.target], options, llamaDir, out)
    const made = path.join(out, 'result', product.file)
    if (product.optional && !fs.existsSync(made)) fs.rmSync(result, { force: true })
    else if (product.target === 'sluice' && options.release) copyRelease(path.dirname(made), result)
    else replaceFile(made, result)
    writeStamp(stamp, hash)
  }
  return configured
}

/**
 * @param {string[]} args
 * @returns {BuildOptions}
 */
function parse(args) {
  const platformDefault = process.platform === 'darwin' ? 'metal' : 'cpu'
  const options = {
    backend: process.env.SLUICE_BACKEND || platformDefault,
    config: 'Release',
    arch: /** @type {string} */ (process.arch),
    tests: false,
    release: false,
    sanitize: '',
    defines: /** @type {string[]} */ ([]),
  }
  for (const arg of args) {
    const [name = '', value = ''] = arg.replace(/^--/, '').split('=')
    if (backends.includes(name) && arg === `--${name}`) options.backend = name
    else if (arg === '--tests') options.tests = true
    else if (arg === '--release') options.release = true
    else if (name === 'sanitize' && sanitizers.includes(value)) options.sanitize = value
    else if (name === 'config' && /^\w+$/.test(value)) options.config = value
    else if (name === 'arch' && /^\w+$/.test(value)) options.arch = value
    else if (/^-D\w+=/.test(arg)) options.defines.push(arg.slice(2))
    else throw new Stop(`build-native does not know "${arg}"; see the first lines of that script.`)
  }
  if (!backends.includes(options.backend)) {
    throw new Stop(`SLUICE_BACKEND is one of ${backends.join(', ')}, not "${options.backend}".`)
  }
  return options
}

/**
 * A folder per set of options, because CMake remembers every option it was ever given. Not below
 * build/, which node-gyp deletes.
 * @param {BuildOptions} options
 */
function outDir({ backend, config, arch, sanitize, defines, release }) {
  const plain = [backend, arch, release ? 'package' : config].join('-').toLowerCase()
  const extra = sanitize || defines.length ? `-${hashOf([sanitize, defines], []).slice(0, 8)}` : ''
  return inRoot('build-cmake', plain + extra)
}

/**
 * CMake refuses a folder that it made in another place: the checkout was moved or copied.
 * @param {string} out
 */
function forgetOtherPlace(out) {
  const cache = path.join(out, 'CMakeCache.txt')
  if (!fs.existsSync(cache)) return
  const [, made] = /^CMAKE_CACHEFILE_DIR:INTERNAL=(.*)$/m.exec(fs.readFileSync(cache, 'utf8')) ?? []
  if (made === undefined) return
  if (fs.existsSync(made) && fs.realpathSync(made) === fs.realpathSync(out)) return
  fs.rmSync(out, { recursive: true })
}

/** @param {string} llamaDir */
async function requireLlama(llamaDir) {
  // Only a checkout may fetch; a package carries llama.cpp's source and not this script.
  const fetchScript = inRoot('scripts/fetch-llama.mjs')
  if (fs.existsSync(fetchScript)) {
    const { fetchLlama } = await import(pathToFileURL(fetchScript).href)
    await fetchLlama()
  }
  if (!fs.existsSync(path.join(llamaDir, 'include/llama.h'))) {
    throw new Stop(`No llama.cpp source in ${llamaDir}: LLAMA_CPP_DIR must name its folder.`)
  }
}

/**
 * @param {string[]} verb never `compile`, which follows a failed build by one from scratch
 * @param {BuildOptions} options
 * @param {string} llamaDir
 * @param {string} out
 */
async function cmakeJs(verb, options, llamaDir, out) {
  const defines = [`SLUICE_BACKEND=${options.backend}`, `LLAMA_CPP_DIR=${llamaDir}`]
  if (options.release) defines.push('SLUICE_RELEASE=ON')
  if (options.sanitize) defines.push(`SLUICE_SANITIZE=${options.sanitize}`)
  defines.push(...options.defines)
  const args = [...verb, '-l', 'warn', '-O', out, '-B', options.config, '-a', options.arch]
  for (const define of defines) args.push(`--CD${define}`)
  const cli = cmakeJsPath()
  const { status } = await run(process.execPath, [cli, ...args], { cwd: root, env: cleanEnv() })
  if (status !== 0) throw new Stop(`The native build failed in "${verb[0]}"; its output is above.`)
}

function cmakeJsPath() {
  try {
    return createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js')
  } catch (error) {
    throw new Stop('cmake-js is not installed. Run: npm ci', { cause: error })
  }
}

function cleanEnv() {
  // With this two checkouts share what ccache has compiled.
  const env = { CCACHE_BASEDIR: root, ...process.env }
  // node-gyp's make hands these down, and CMake's make would obey them.
  for (const name of ['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'V', 'BUILDTYPE']) {
    delete (/** @type {NodeJS.ProcessEnv} */ (env)[name])
  }
  return env
}

/** One compiler per core, as far as each gets 1.5 GB. */
function jobs() {
  const asked = Number(process.env.SLUICE_JOBS)
  if (asked >= 1) return Math.floor(asked)
  return Math.max(1, Math.min(os.availableParallelism(), Math.floor(os.totalmem() / 1.5e9)))
}

/**
 * The addon and its libraries, into a folder that then holds nothing else.
 * @param {string} from CMake's folder of results
 * @param {string} addon
 */
function copyRelease(from, addon) {
  const folder = path.dirname(addon)
  fs.rmSync(folder, { recursive: true, force: true })
  const names = fs.readFileSync(path.join(from, 'release-files.txt'), 'utf8').trim().split('\n')
  for (const name of names) replaceFile(path.join(from, name), path.join(folder, name))
}

/**
 * By rename: a process that has the old file mapped keeps it whole.
 * @param {string} from
 * @param {string} to
 */
function replaceFile(from, to) {
  fs.mkdirSync(path.dirname(to), { recursive: true })
  const next = `${to}.${process.pid}`
  fs.copyFileSync(from, next)
  fs.renameSync(next, to)
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    const args = process.argv.slice(2)
    const folder = args.includes('--release') ? 'build/prebuild*' : 'build/Release'
    console.log((await buildNative(args)) ? `native: built ${folder}` : 'native: up to date')
  })
}
