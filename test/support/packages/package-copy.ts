import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { packCheckout } from './package.js'

const checkout = path.resolve(import.meta.dirname, '../../..')
const tuple = `${process.platform}-${process.arch}`

/**
 * Builds what the package of this platform holds, unless it is there, and lays out the package as
 * it is installed: with the prebuilt binary and no other.
 */
export function prebuiltPackage(folder: string): string {
  execFileSync(process.execPath, ['scripts/prebuild.mjs'], { cwd: checkout, stdio: 'inherit' })
  const templates = 'deps/llama.cpp/models/templates' // which a child of test/lifecycle reads
  return packageCopy(folder, ['dist', 'models/storyteller.gguf', `prebuilds/${tuple}`, templates])
}

/** Parts of this checkout as a package of their own, which finds the checkout's dependencies. */
export function packageCopy(folder: string, parts: string[]): string {
  for (const part of ['package.json', ...parts]) {
    fs.cpSync(path.join(checkout, part), path.join(folder, part), { recursive: true })
  }
  fs.symlinkSync(path.join(checkout, 'node_modules'), path.join(folder, 'node_modules'), 'junction')
  return folder
}

/**
 * What `npm publish` would send of this checkout, whose dist/ is built, unpacked in a new project
 * in that folder, with its dependencies and Node's types. Takes some ten seconds.
 */
export async function unpackedPackage(project: string): Promise<{ home: string; tarball: Buffer }> {
  const home = path.join(project, 'node_modules/sluice')
  fs.mkdirSync(home, { recursive: true })
  const archive = await packCheckout(project)
  const args = ['-xzf', path.basename(archive), '-C', home, '--strip-components=1']
  execFileSync('tar', args, { cwd: project })
  fs.writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'))
  fs.mkdirSync(path.join(project, 'node_modules/@types'))
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const installed = path.join(checkout, 'node_modules', name)
    fs.symlinkSync(installed, path.join(project, 'node_modules', name), 'junction')
  }
  return { home, tarball: fs.readFileSync(archive) }
}
