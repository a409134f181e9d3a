import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { platforms } from '../../../scripts/pack-platforms.mjs'
import { installDependencies } from '../../../scripts/support/dependencies.mjs'
import { hashOf, isFresh, writeStamp } from '../../../scripts/support/stamp.mjs'
import { libc, platformName } from '../../../src/binding/platform.js'
import { packCheckout } from './package.js'

const checkout = path.resolve(import.meta.dirname, '../../..')
const folder = path.join(checkout, 'test/hosts')
const modules = path.join(folder, 'node_modules')
const { version } = JSON.parse(readFileSync(path.join(checkout, 'package.json'), 'utf8'))
const addon = path.join(checkout, 'build/Release/sluice.node')

type Platform = (typeof platforms)[number]

/**
 * test/hosts, with the bundlers and runners that it asks for, and in its node_modules what
 * `npm pack` makes of this checkout, whose dist/ is built, and a package for this platform.
 */
export async function hosts(): Promise<string> {
  await installDependencies(folder)
  const stamp = path.join(modules, 'sluice/packed.stamp')
  const names = ['package.json', 'dist', 'examples', 'models/storyteller.gguf']
  const packed = names.map((name) => path.join(checkout, name))
  const hash = hashOf([], [...packed, `${addon}.stamp`])
  if (isFresh(stamp, hash)) return folder
  await unpackCheckout(path.join(modules, 'sluice'))
  const platform = path.join(modules, '@sluice', platformName())
  rmSync(platform, { recursive: true, force: true })
  layOutPlatform(platform, thisPlatform())
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

function thisPlatform(): Platform {
  const found = platforms.find(({ name }) => name === platformName())
  if (found === undefined) throw new Error(`there is no package for ${platformName()}`)
  return found
}

/**
 * What @sluice/PLATFORM holds: of the platform that this is, with the addon that was built here; of
 * another, without.
 */
export function layOutPlatform(home: string, { name, ...fits }: Platform): void {
  mkdirSync(home, { recursive: true })
  if (name === platformName()) {
    const tag = libc()
    const prebuilt = path.join(home, `prebuilds/${process.platform}-${process.arch}`)
    cpSync(addon, path.join(prebuilt, tag === undefined ? 'sluice.node' : `sluice.${tag}.node`))
  }
  const lists = Object.entries(fits).map(([key, value]) => [key, [value]])
  const manifest = { name: `@sluice/${name}`, version, preferUnplugged: true }
  const text = JSON.stringify({ ...manifest, ...Object.fromEntries(lists) })
  writeFileSync(path.join(home, 'package.json'), text)
}
