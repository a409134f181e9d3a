// `npm run publish:packages -- FOLDER [--tag vX.Y.Z] [--dry-run]`: publishes the tarballs of a
// release, the platform packages first and `sluice` last, so that they are there when it is.
// Refuses a folder in which versions differ or a platform is missing; what is published already is
// passed over, so that a release that broke off can be run again.

import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { inRoot } from './support/root.mjs'
import { npm, run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

/**
 * @typedef {object} Tarball
 * @property {string} file
 * @property {string} name
 * @property {string} version
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

const mainName = readName()

/**
 * @param {string} folder
 * @returns {Promise<Tarball[]>}
 */
async function tarballsIn(folder) {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : []
  const files = names.filter((name) => name.endsWith('.tgz')).map((name) => path.join(folder, name))
  return Promise.all(files.map(describe))
}

/** @param {string} file */
async function describe(file) {
  const { status, output } = await run('tar', ['-xzOf', file, 'package/package.json'], {
    quiet: true,
  })
  if (status !== 0) throw new Stop(`${file} is no package of npm's:\n${output.trim()}`)
  return { ...JSON.parse(output), file }
}

/**
 * The order to publish in.
 * @param {Tarball[]} tarballs
 * @param {string | undefined} tag
 */
export function order(tarballs, tag) {
  const main = tarballs.find((one) => one.name === mainName)
  if (!main) throw new Stop(`There is no tarball of ${mainName} in that folder.`)
  if (tag !== undefined && tag !== `v${main.version}`) {
    throw new Stop(`The tag is ${tag}, and the package's version is ${main.version}.`)
  }
  for (const { name, version } of tarballs) {
    if (version === main.version) continue
    throw new Stop(`${name} is ${version}, and ${mainName} is ${main.version}: they go together.`)
  }
  const wanted = Object.entries({ ...main.optionalDependencies, ...main.peerDependencies })
  for (const [name, version] of wanted.filter(([name]) => name.startsWith(`@${mainName}/`))) {
    if (version !== main.version) {
      throw new Stop(`${mainName} asks for ${name}@${version}, and is ${main.version} itself.`)
    }
    if (!tarballs.some((one) => one.name === name)) throw new Stop(`${name} is missing.`)
  }
  return [...tarballs.filter((one) => one !== main), main]
}

/**
 * @param {Tarball} tarball
 * @param {boolean} dryRun
 */
async function publish({ file, name, version }, dryRun) {
  const known = await npm(['view', `${name}@${version}`, 'version'], { quiet: true })
  if (known.status === 0 && known.output.trim() === version) {
    return console.log(`${name}@${version} is published already`)
  }
  const flags = ['--access', 'public', ...(dryRun ? ['--dry-run'] : ['--provenance'])]
  const { status } = await npm(['publish', file, ...flags])
  if (status !== 0) throw new Stop(`${name}@${version} was not published; run this again.`)
  console.log(`${name}@${version} ${dryRun ? 'would be' : 'is'} published`)
}

/** @returns {string} */
function readName() {
  return JSON.parse(fs.readFileSync(inRoot('package.json'), 'utf8')).name
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { tag: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } },
    })
    const [folder] = positionals
    if (!folder) throw new Stop('publish:packages needs the folder of the tarballs.')
    const tarballs = order(await tarballsIn(path.resolve(folder)), values.tag)
    for (const tarball of tarballs) await publish(tarball, values['dry-run'])
  })
}
