// `npm run pack:platforms`: what is published, as tarballs in packages/ (or `--out=FOLDER`): one
// for each folder of prebuilds/, and sluice itself, which names every platform's package as an
// optional dependency of its own version. `--only=linux-x64,sluice` packs only those.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inRoot, root } from './support/root.mjs'
import { npm, run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

/**
 * @typedef {object} Platform
 * @property {string} name of the package, without its scope
 * @property {string} os as npm names it
 * @property {string} cpu
 * @property {string} [libc]
 *
 * @typedef {Platform & { backend: string }} Backend
 */

/** @type {Platform[]} installed with sluice, where they fit */
export const platforms = [
  { name: 'linux-x64', os: 'linux', cpu: 'x64', libc: 'glibc' },
  { name: 'linux-arm64', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { name: 'linux-x64-musl', os: 'linux', cpu: 'x64', libc: 'musl' },
  { name: 'linux-arm64-musl', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64' },
  { name: 'darwin-x64', os: 'darwin', cpu: 'x64' },
  { name: 'win32-x64', os: 'win32', cpu: 'x64' },
]

/** @type {Backend[]} installed only when asked for */
export const backends = ['linux-x64', 'win32-x64'].flatMap((name) =>
  ['cuda', 'vulkan'].map((backend) => {
    const platform = platforms.find((one) => one.name === name)
    if (!platform) throw new Error(`no platform ${name}`)
    return { ...platform, name: `${name}-${backend}`, backend }
  }),
)

/**
 * @type {{
 *   version: string, license: string, author: string,
 *   homepage: string, bugs: string, repository: object
 * }}
 */
const manifest = JSON.parse(fs.readFileSync(inRoot('package.json'), 'utf8'))

/** @param {{ out: string, only: string[] | undefined }} options */
export async function packPlatforms({ out, only }) {
  fs.mkdirSync(out, { recursive: true })
  const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-pack-'))
  const wanted = (/** @type {string} */ name) => only === undefined || only.includes(name)
  try {
    const files = []
    for (const { platform, folder } of found()) {
      if (!wanted(platform.name)) continue
      const stage = path.join(temp, platform.name)
      layOut(platform, folder, stage)
      files.push(await pack(stage, out))
    }
    if (wanted('sluice')) files.push(await packMain(temp, out))
    return files
  } finally {
    fs.rmSync(temp, { recursive: true, force: true })
  }
}

/** What prebuilds/ holds, by package. */
function found() {
  const base = inRoot('prebuilds')
  const names = fs.existsSync(base) ? fs.readdirSync(base).sort() : []
  return names.flatMap((name) => {
    const folder = path.join(base, name)
    const backend = backends.find((one) => one.name === name)
    if (backend) return [{ platform: backend, folder }]
    const addons = fs.readdirSync(folder).filter((file) => file.endsWith('.node'))
    // Their libraries have the same names, so a folder can hold those of one C library only.
    if (addons.length !== 1) throw new Stop(`${folder} holds ${addons.length} addons, not one.`)
    const suffix = addons[0]?.includes('.musl.') ? '-musl' : ''
    const platform = platforms.find((one) => one.name === name + suffix)
    if (!platform) throw new Stop(`${folder} belongs to no package that is known here.`)
    return [{ platform, folder }]
  })
}

/**
 * @param {Platform | Backend} platform
 * @param {string} prebuilt
 * @param {string} stage
 */
function layOut(platform, prebuilt, stage) {
  const { version, license, author, homepage, bugs, repository } = manifest
  const what =
    'backend' in platform
      ? `The ${platform.backend} backend of Sluice for ${platform.os} on ${platform.cpu}.`
      : `Sluice's native part for ${platform.name}. Installed by sluice, where it fits.`
  const contents = {
    name: `@sluice/${platform.name}`,
    version,
    description: what,
    license,
    author,
    homepage,
    bugs,
    repository, // npm compares it with where a package was built
    os: [platform.os],
    cpu: [platform.cpu],
    ...(platform.libc && { libc: [platform.libc] }),
    // A library is loaded by its path, so Yarn has to unpack it.
    preferUnplugged: true,
  }
  const folder = path.join(stage, 'prebuilds', path.basename(prebuilt))
  fs.cpSync(prebuilt, folder, { recursive: true })
  fs.writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(contents, null, 2)}\n`)
  fs.writeFileSync(path.join(stage, 'README.md'), `# @sluice/${platform.name}\n\n${what}\n`)
  for (const name of ['LICENSE', 'THIRD-PARTY.md'])
    fs.copyFileSync(inRoot(name), path.join(stage, name))
  fs.copyFileSync(inRoot('deps/llama.cpp/LICENSE'), path.join(stage, 'LICENSE-llama.cpp'))
  fs.cpSync(inRoot('deps/llama.cpp/licenses'), path.join(stage, 'licenses'), { recursive: true })
}

/**
 * The checkout's manifest must not name packages that are not published yet, or `npm ci` there
 * would ask for them: they are added to what is packed.
 * @param {string} temp
 * @param {string} out
 */
async function packMain(temp, out) {
  const plain = await pack(root, temp)
  const stage = path.join(temp, 'sluice')
  fs.mkdirSync(stage)
  const args = ['-xzf', path.basename(plain), '-C', 'sluice', '--strip-components=1']
  const { status, output } = await run('tar', args, { cwd: temp, quiet: true })
  if (status !== 0) throw new Stop(`tar could not unpack ${plain}:\n${output.trim()}`)
  const file = path.join(stage, 'package.json')
  const { version } = manifest
  const own = JSON.parse(fs.readFileSync(file, 'utf8'))
  const named = (/** @type {Platform[]} */ list) =>
    Object.fromEntries(list.map(({ name }) => [`@sluice/${name}`, version]))
  own.optionalDependencies = { ...own.optionalDependencies, ...named(platforms) }
  // Optional peers, so that a strict package manager lets sluice see the one that is installed.
  own.peerDependencies = { ...own.peerDependencies, ...named(backends) }
  own.peerDependenciesMeta = {
    ...own.peerDependenciesMeta,
    ...Object.fromEntries(backends.map(({ name }) => [`@sluice/${name}`, { optional: true }])),
  }
  fs.writeFileSync(file, `${JSON.stringify(own, null, 2)}\n`)
  return pack(stage, out)
}

/**
 * @param {string} folder
 * @param {string} out
 * @returns {Promise<string>} the tarball
 */
async function pack(folder, out) {
  // Only a checkout has anything to prepare.
  const scripts = folder === root ? [] : ['--ignore-scripts']
  const args = ['pack', '--pack-destination', out, '--loglevel=error', ...scripts]
  const before = Date.now()
  const { status, output } = await npm(args, { cwd: folder, quiet: true })
  if (status !== 0) throw new Stop(`npm could not pack ${folder}:\n${output.trim()}`)
  const file = path.join(out, output.trim().split('\n').at(-1) ?? '')
  if (!fs.existsSync(file) || fs.statSync(file).mtimeMs < before - 1000) {
    throw new Stop(`npm packed ${folder} and named no tarball:\n${output.trim()}`)
  }
  return file
}

/** @param {string[]} args */
function parse(args) {
  /** @type {{ out: string, only: string[] | undefined }} */
  const options = { out: inRoot('packages'), only: undefined }
  for (const arg of args) {
    const [name, value = ''] = arg.split('=')
    if (name === '--out' && value) options.out = path.resolve(value)
    else if (name === '--only' && value) options.only = value.split(',')
    else
      throw new Stop(`pack-platforms does not know "${arg}"; see the first lines of that script.`)
  }
  return options
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    for (const file of await packPlatforms(parse(process.argv.slice(2)))) {
      const size = (fs.statSync(file).size / 1e6).toFixed(2).padStart(8)
      console.log(`${size} MB  ${path.relative(process.cwd(), file)}`)
    }
  })
}
