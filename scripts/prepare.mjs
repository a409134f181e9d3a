// Brings a checkout to where it runs: dependencies, llama.cpp's source, the addon, dist/. Each step
// is skipped when it has nothing to do. Imports only what is there before the dependencies are.
// `--source` leaves the addon out: what a package needs, which compiles it where it is installed.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import { buildNative } from './build-native.mjs'
import { fetchLlama } from './fetch-llama.mjs'
import { bundleChildren, bundleCli } from './support/bundle-cli.mjs'
import { bundlePage } from './support/bundle-page.mjs'
import { installDependencies } from './support/dependencies.mjs'
import { inRoot, root } from './support/root.mjs'
import { run } from './support/run.mjs'
import { hashOf, isFresh, writeStamp } from './support/stamp.mjs'
import { runMain, Stop } from './support/stop.mjs'

export async function prepare({ native = true, tests = false } = {}) {
  requireNode()
  await installDependencies()
  if (native && (await buildNative(tests ? ['--tests'] : []))) console.log('native: built')
  await fetchLlama() // the build may have been up to date without it; tests read its tokenizers
  await buildTypeScript()
}

function requireNode() {
  const { node } = process.versions
  if (isSupported(node)) return
  throw new Stop(`Node 20.19 or 22.12 or newer is needed; this is ${node}.`)
}

/**
 * As "engines" of package.json: where require() takes ES modules.
 * @param {string} version
 */
export function isSupported(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major === 20 ? minor >= 19 : major > 22 || (major === 22 && minor >= 12)
}

export async function buildTypeScript() {
  const stamp = inRoot('build/typescript.stamp')
  const bundlers = ['bundle-cli', 'bundle-page', 'licenses']
  const names = ['src', 'tsconfig.json', 'package-lock.json']
  const own = bundlers.map((name) => `scripts/support/${name}.mjs`)
  const sources = [...names, ...own].map((name) => inRoot(name))
  const hash = hashOf([], sources)
  if (fs.existsSync(inRoot('dist/index.js')) && isFresh(stamp, hash)) return

  fs.rmSync(inRoot('dist'), { recursive: true, force: true })
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  for (const project of ['tsconfig.json', 'src/page/tsconfig.json']) {
    const { status } = await run(process.execPath, [tsc, '-p', project], { cwd: root })
    if (status !== 0) throw new Stop('tsc found errors; they are above.')
  }
  fs.cpSync(inRoot('src/commonjs'), inRoot('dist/commonjs'), { recursive: true }) // as it is
  await bundleCli()
  await bundlePage()
  await bundleChildren()
  fs.chmodSync(inRoot('dist/cli/main.cjs'), 0o755) // npx runs it as a program
  writeStamp(stamp, hash)
  console.log('typescript: built dist')
}

if (process.argv[1] === import.meta.filename) {
  await runMain(() => prepare({ native: !process.argv.includes('--source') }))
}
