import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { installDependencies } from '../../../scripts/support/dependencies.mjs'
import { hashOf, isFresh, writeStamp } from '../../../scripts/support/stamp.mjs'
import { libc, platformName } from '../../../src/binding/platform.js'
import { packCheckout } from './package.js'

const checkout = path.resolve(import.meta.dirname, '../../..')
const folder = path.join(checkout, 'test/hosts')
const modules = path.join(folder, 'node_modules')
const addon = path.join(checkout, 'build/Release/sluice.node')

/**
 * test/hosts, with the bundlers and runners that it asks for, and in its node_modules what
 * `npm pack` makes of this checkout, whose dist/ is built, and a package for this platform.
 */
export async function hosts(): Promise<string> {
  await installDependencies(folder)
  const stamp = path.join(modules, 'sluice/packed.stamp')
  const packed = ['package.json', 'dist', 'examples'].map((name) => path.join(checkout, name))
  const hash = hashOf([], [...packed, `${addon}.stamp`])
  if (isFresh(stamp, hash)) return folder
  await unpackCheckout(path.join(modules, 'sluice'))
  const platform = path.join(modules, '@sluice', platformName())
  rmSync(platform, { recursive: true, force: true })
  layOutPlatform(platform)
  writeStamp(stamp, hash)
  return folder
}

async function unpackCheckout(home: string): Promise<void> {
  const temp = mkdtempSync(path.join(tmpdir(), 'sluice-hosts-'))
  try {
    const tarball = await packCheckout(temp)
    rmSync(home, { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    const args = ['-xzf', path.basename(tarball), '-C', home, '--strip-components=1']
    execFileSync('tar', args, { cwd: temp })
  } finally {
    rmSync(temp, { recursive: true, force: true })
  }
}

/** What @sluice/PLATFORM holds, with the addon that was built here as its binary. */
function layOutPlatform(home: string): void {
  const tag = libc()
  const name = tag === undefined ? 'sluice.node' : `sluice.${tag}.node`
  const prebuilt = path.join(home, `prebuilds/${process.platform}-${process.arch}`)
  mkdirSync(prebuilt, { recursive: true })
  cpSync(addon, path.join(prebuilt, name))
  const manifest = { name: `@sluice/${platformName()}`, version: '0.1.0' }
  writeFileSync(path.join(home, 'package.json'), JSON.stringify(manifest))
}
