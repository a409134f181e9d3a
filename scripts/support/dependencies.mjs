// Installs what a package-lock.json asks for, where it is not there yet.

import fs from 'node:fs'
import path from 'node:path'
import { root } from './root.mjs'
import { npm } from './run.mjs'
import { Stop } from './stop.mjs'

/** @param {string} folder with a package-lock.json; the checkout's own, or one inside it */
export async function installDependencies(folder = root) {
  if (dependenciesAreIn(folder)) return
  const name = path.relative(root, folder)
  console.log(`dependencies${name === '' ? '' : ` of ${name}`}: installing`)
  // NODE_ENV=production would leave out the compiler and the tests.
  const { status } = await npm(['ci', '--include=dev', '--no-audit', '--no-fund'], { cwd: folder })
  if (status !== 0) throw new Stop('npm ci failed; its output is above.')
}

/**
 * Whether node_modules holds what package-lock.json asks for, however it got there.
 * @param {string} folder
 */
function dependenciesAreIn(folder) {
  const installedLock = path.join(folder, 'node_modules/.package-lock.json')
  if (!fs.existsSync(installedLock)) return false
  const installed = readPackages(installedLock)
  const wanted = readPackages(path.join(folder, 'package-lock.json'))
  return Object.entries(wanted).every(([place, entry]) => {
    const mayBeAbsent = entry.optional || entry.devOptional || place === ''
    return mayBeAbsent || installed[place]?.version === entry.version
  })
}

/**
 * @typedef {{ version?: string, optional?: boolean, devOptional?: boolean }} LockedPackage
 * @param {string} lockFile
 * @returns {Record<string, LockedPackage>}
 */
function readPackages(lockFile) {
  return JSON.parse(fs.readFileSync(lockFile, 'utf8')).packages
}
