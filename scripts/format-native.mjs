// Formats native/ with the pinned clang-format; `--check` only looks, and fails on a difference.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { inRoot, root } from './support/root.mjs'
import { run } from './support/run.mjs'
import { runMain } from './support/stop.mjs'

await runMain(async () => {
  const files = fs
    .readdirSync(inRoot('native'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(h|cpp)$/.test(name))
    .map((name) => path.join('native', name))
  const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i']
  const clangFormat = createRequire(import.meta.url).resolve('clang-format-node/build/cli.js')
  const { status } = await run(process.execPath, [clangFormat, ...mode, ...files], { cwd: root })
  return status
})
