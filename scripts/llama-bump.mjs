// `npm run llama:bump [-- VERSION] [--look]`: moves the pin of llama.cpp to what another version of
// node-llama-cpp carries (the newest that runs on our Node, where none is named). Writes
// deps/llama.lock.json, fetches, says what changed in the headers that we use, builds, tests and
// runs a short bench. With --look it ends before anything is changed.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import semver from 'semver'
import { fetchLlama, readLock } from './fetch-llama.mjs'
import { describeChanges } from './support/llama-changes.mjs'
import { inRoot, root } from './support/root.mjs'
import { npm, run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

/** @typedef {import('./fetch-llama.mjs').Lock} Lock */
/** @typedef {{ version: string, engines?: { node?: string }, integrity: string }} Release */

const carrier = 'node-llama-cpp'
const lockFile = inRoot('deps/llama.lock.json')

/**
 * @param {Release} release
 * @param {boolean} look
 */
async function bump(release, look) {
  if (process.env.LLAMA_CPP_DIR) throw new Stop('Unset LLAMA_CPP_DIR: it names another llama.cpp.')
  const old = readLock()
  const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-bump-'))
  try {
    const { lock, source } = await unpack(release, old, temp)
    console.log(`llama.cpp: ${old.release} (${old.package}) -> ${lock.release} (${lock.package})`)
    const isSame = lock.commit === old.commit
    if (isSame) console.log('It is the same commit: only the carrier changes, nothing is built.')
    else await fetchLlama() // the old one, for the comparison
    if (!isSame) console.log(await describeChanges(inRoot('deps/llama.cpp'), old, source, lock))
    if (look) return console.log('Nothing was changed (--look).')
    fs.writeFileSync(lockFile, `${JSON.stringify(lock, null, 2)}\n`)
  } finally {
    fs.rmSync(temp, { recursive: true, force: true })
  }
  if (readLock().commit !== old.commit) await prove(old)
}

/**
 * The named version, or the newest whose requirement our oldest Node fulfils.
 * @param {string | undefined} version
 * @returns {Promise<Release>}
 */
async function releaseOf(version) {
  const range = version ?? `>=${readLock().package.split('@').pop()}`
  const all = await view(`${carrier}@${range}`)
  const ours = readJson(inRoot('package.json')).engines.node
  const fitting = version ? all : all.filter((one) => semver.subset(ours, one.engines?.node ?? '*'))
  const newest = fitting.at(-1)
  if (newest) return newest
  throw new Stop(`No ${carrier}@${range} runs on Node ${ours}; name a version to take it anyway.`)
}

/**
 * @param {string} spec name@version or name@range
 * @returns {Promise<Release[]>} oldest first
 */
async function view(spec) {
  const fields = ['version', 'engines', 'dist.integrity']
  const { status, output } = await npm(['view', spec, ...fields, '--json', '--loglevel=error'], {
    quiet: true,
  })
  if (output.includes('E404')) throw new Stop(`The npm registry has no ${spec}.`)
  if (status !== 0) throw new Stop(`npm view ${spec} failed:\n${output.trim()}`)
  return [JSON.parse(output)].flat().map((one) => ({ ...one, integrity: one['dist.integrity'] }))
}

/** @param {string} file */
function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

/**
 * Downloads the carrier and says what a lock of it holds.
 * @param {Release} release
 * @param {Lock} old
 * @param {string} temp
 * @returns {Promise<{ lock: Lock, source: string }>} source: a repository with the commit
 */
async function unpack(release, old, temp) {
  const spec = `${carrier}@${release.version}`
  console.log(`llama.cpp: looking into ${spec}`)
  await must(npm(['pack', spec, '--pack-destination', temp, '--ignore-scripts'], quietIn(temp)))
  const tarball = fs.readdirSync(temp).find((name) => name.endsWith('.tgz')) ?? ''
  const integrity = `sha512-${digest('sha512', path.join(temp, tarball), 'base64')}`
  if (integrity !== release.integrity) {
    throw new Stop(`${tarball} is not what the registry says:\n${release.integrity}\n${integrity}`)
  }
  const info = 'package/llama/llama.cpp.info.json'
  await must(run('tar', ['-xzf', tarball, old.bundle, info], quietIn(temp)))
  const bundle = path.join(temp, old.bundle)
  const heads = await must(run('git', ['bundle', 'list-heads', bundle, 'HEAD'], quietIn(temp)))
  const source = path.join(temp, 'source.git')
  await must(run('git', ['clone', '--quiet', '--bare', bundle, source], quietIn(temp)))
  const lock = {
    release: readJson(path.join(temp, info)).tag,
    package: spec,
    integrity,
    bundle: old.bundle,
    sha256: digest('sha256', bundle, 'hex'),
    commit: /^[0-9a-f]{40}/.exec(heads)?.[0] ?? '',
  }
  if (!lock.release || !lock.commit)
    throw new Stop(`${spec} does not say which llama.cpp it holds.`)
  return { lock, source }
}

/**
 * Builds, tests and measures; says how to go back if anything fails.
 * @param {Lock} old
 */
async function prove(old) {
  const goBack =
    'To go back to ' +
    `${old.release}: git checkout -- deps/llama.lock.json && npm run build\n` +
    '(or move on: mend what is above, then npm test and npm run bench -- --quick)'
  try {
    await fetchLlama()
    await step('test', ['scripts/test.mjs'])
    await step('bench', ['scripts/bench.mjs', '--quick', '--case', 'throughput'])
  } catch (error) {
    console.error(`\n${goBack}`)
    throw error
  }
  console.log(`\nllama.cpp ${readLock().release} is in, and passes. Commit deps/llama.lock.json.`)
  console.log(goBack)
}

/**
 * @param {string} name
 * @param {string[]} args
 */
async function step(name, args) {
  console.log(`\nllama.cpp: ${name}`)
  const { status } = await run(process.execPath, args, { cwd: root })
  if (status !== 0) throw new Stop(`The new llama.cpp does not pass "${name}"; see above.`)
}

/** @param {string} cwd */
function quietIn(cwd) {
  return { cwd, quiet: true }
}

/** @param {Promise<import('./support/run.mjs').RunResult>} running */
async function must(running) {
  const { status, output } = await running
  if (status === 0) return output
  throw new Stop(`A tool failed:\n${output.trim()}`)
}

/**
 * @param {'sha256' | 'sha512'} algorithm
 * @param {string} file
 * @param {'hex' | 'base64'} encoding
 */
function digest(algorithm, file, encoding) {
  return createHash(algorithm).update(fs.readFileSync(file)).digest(encoding)
}

await runMain(async () => {
  const args = process.argv.slice(2)
  const look = args.includes('--look')
  const [version, ...more] = args.filter((arg) => arg !== '--look')
  if (more.length > 0 || version?.startsWith('-')) {
    throw new Stop(`llama:bump takes a version of ${carrier} and --look, not "${args.join(' ')}".`)
  }
  await bump(await releaseOf(version), look)
})
