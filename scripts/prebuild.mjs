// `npm run prebuild`: what this platform's package holds, in prebuilds/PLATFORM-ARCH: the addon and
// ggml's libraries, for any processor, stripped. With `-- --cuda` or `-- --vulkan` that backend's
// library alone, in prebuilds/PLATFORM-ARCH-BACKEND. Arguments go to build-native.mjs.

import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
// @ts-expect-error it comes without types
import prebuildify from 'prebuildify'
import { buildNative } from './build-native.mjs'
import { buildTypeScript } from './prepare.mjs'
import { inRoot } from './support/root.mjs'
import { run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

const furtherBackends = ['cuda', 'vulkan']

/** @param {string[]} args @returns {Promise<string>} the folder */
async function prebuild(args) {
  await buildTypeScript()
  await buildNative(['--release', ...args])
  // What makes the name that a program will look for.
  const platform = await import(pathToFileURL(inRoot('dist/binding/platform.js')).href)
  const arch = args.find((arg) => arg.startsWith('--arch='))?.slice('--arch='.length)
  const backend = furtherBackends.find((name) => args.includes(`--${name}`))
  if (backend) return collectBackend(backend, platform.platformName(arch))
  return collectAddon(arch ?? process.arch, platform.libc())
}

/**
 * @param {string} arch
 * @param {string | undefined} libc
 */
async function collectAddon(arch, libc) {
  const folder = inRoot('prebuilds', `${process.platform}-${arch}`)
  fs.rmSync(folder, { recursive: true, force: true })
  const cwd = inRoot('build/prebuild')
  // prebuildify runs `node-gyp rebuild`, which would delete what is built and download headers; the
  // build is done, so it gets a program that does nothing.
  fs.writeFileSync(path.join(cwd, 'rebuild.js'), '')
  await new Promise((resolve, reject) => {
    const options = { cwd, out: inRoot(), name: 'sluice', arch, napi: true, strip: true }
    const tags = { tagLibc: libc !== undefined, libc }
    const settle = (/** @type {unknown} */ error) => (error ? reject(error) : resolve(undefined))
    prebuildify({ ...options, ...tags, targets: [process.versions.node], nodeGyp: 'node' }, settle)
  })
  return folder
}

/**
 * @param {string} backend
 * @param {string} platformName
 */
async function collectBackend(backend, platformName) {
  const built = inRoot(`build/prebuild-${backend}`)
  const folder = inRoot('prebuilds', `${platformName}-${backend}`)
  fs.rmSync(folder, { recursive: true, force: true })
  fs.mkdirSync(folder, { recursive: true })
  for (const name of fs.readdirSync(built).filter((file) => !file.endsWith('.stamp'))) {
    const file = path.join(folder, name)
    fs.copyFileSync(path.join(built, name), file)
    if (process.platform === 'win32') continue
    const flag = process.platform === 'darwin' ? '-Sx' : '--strip-all'
    const { status } = await run('strip', [flag, file])
    if (status !== 0) throw new Stop(`strip failed on ${file}; its output is above.`)
  }
  return folder
}

/** @param {string} folder */
function report(folder) {
  let sum = 0
  for (const name of fs.readdirSync(folder)) {
    const { size } = fs.statSync(path.join(folder, name))
    sum += size
    console.log(`${(size / 1e6).toFixed(2).padStart(8)} MB  ${name}`)
  }
  console.log(`${(sum / 1e6).toFixed(2).padStart(8)} MB  in ${path.relative(inRoot(), folder)}`)
}

await runMain(async () => report(await prebuild(process.argv.slice(2))))
