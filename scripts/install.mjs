// npm's install step in a user's project. It downloads nothing and never fails the install: a
// prebuilt binary is used as it is, else the source in this package is compiled, and if that fails
// the first load() says what to do. SLUICE_SKIP_BUILD=1 skips it, SLUICE_BUILD_FROM_SOURCE=1 (or
// npm's --build-from-source) passes prebuilt binaries over.

import fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { inRoot, root } from './support/root.mjs'
import { run } from './support/run.mjs'

// A package does not carry that script: this is a checkout, where `npm start` and `npm test` build.
const isCheckout = fs.existsSync(inRoot('scripts/prepare.mjs'))

if (!isCheckout && !process.env.SLUICE_SKIP_BUILD) await provideBinary()

async function provideBinary() {
  const why = await whyNoPrebuilt()
  if (why === undefined) return
  console.log(`sluice: ${why}`)
  console.log('sluice: compiling, which takes some minutes')
  const { status } = await run(process.execPath, [inRoot('scripts/build-native.mjs')], {
    cwd: root,
  })
  if (status === 0) fs.rmSync(inRoot('build-cmake'), { recursive: true, force: true })
  else console.error('sluice: installed without its native part. Build it with: npx sluice build')
}

async function whyNoPrebuilt() {
  const { SLUICE_BUILD_FROM_SOURCE, npm_config_build_from_source } = process.env
  if (SLUICE_BUILD_FROM_SOURCE || npm_config_build_from_source === 'true') {
    return 'a build from source was asked for'
  }
  // In a child: a binary made for another C library may take its process down.
  const binding = pathToFileURL(inRoot('dist/binding/binding.js')).href
  const script = `(await import(${JSON.stringify(binding)})).binding()`
  const { status, output } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    quiet: true,
  })
  if (status === 0) return undefined
  const tried = output.split('\n').filter((line) => /^(Error: )?- /.test(line))
  const reasons = tried.map((line) => `\n${line.replace('Error: ', '')}`).join('')
  return `no prebuilt binary can be loaded${reasons || ` (status ${status})`}`
}
