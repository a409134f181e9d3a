// `npm run bench`: prepares this checkout, compiles bench/ to build/bench and runs it. Arguments go
// to bench/main.ts; --help lists them.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { prepare } from './prepare.mjs'
import { inRoot, root } from './support/root.mjs'
import { run } from './support/run.mjs'
import { hashOf, isFresh, writeStamp } from './support/stamp.mjs'
import { runMain, Stop } from './support/stop.mjs'

export async function compileBench() {
  const out = inRoot('build/bench')
  const stamp = `${out}.stamp`
  const sources = ['bench', 'scripts/support', 'test/support', 'tsconfig.json']
  const hash = hashOf(
    [],
    sources.map((name) => inRoot(name)),
  )
  if (fs.existsSync(out) && isFresh(stamp, hash)) return

  fs.rmSync(out, { recursive: true, force: true })
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const args = [tsc, '-p', 'bench/tsconfig.json']
  const { status } = await run(process.execPath, args, { cwd: root })
  if (status !== 0) throw new Stop('tsc found errors in bench/; they are above.')
  writeStamp(stamp, hash)
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    await prepare()
    await compileBench()
    process.env.LLAMA_CPP_DIR ||= inRoot('deps/llama.cpp')
    const { main } = await import(pathToFileURL(inRoot('build/bench/bench/main.js')).href)
    return main(process.argv.slice(2))
  })
}
