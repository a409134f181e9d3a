import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { run } from '../../scripts/support/run.mjs'
import { hashOf, isFresh, writeStamp } from '../../scripts/support/stamp.mjs'
import { Stop } from '../../scripts/support/stop.mjs'
import { findProgram, requireBuildTools } from '../../scripts/support/tools.mjs'
import { inCache, inRoot } from '../paths.js'

const programs = ['llama-server', 'llama-batched-bench'] as const

/** As in CMakeLists.txt, so that both sides are the same llama.cpp; nothing that downloads. */
const options = {
  CMAKE_BUILD_TYPE: 'Release',
  BUILD_SHARED_LIBS: 'OFF',
  GGML_NATIVE: 'ON',
  GGML_OPENMP: 'OFF',
  GGML_CPU_KLEIDIAI: 'OFF',
  LLAMA_LLGUIDANCE: 'OFF',
  LLAMA_CURL: 'OFF',
  LLAMA_OPENSSL: 'OFF',
  LLAMA_SUBPROCESS: 'OFF',
  LLAMA_BUILD_TESTS: 'OFF',
  LLAMA_BUILD_EXAMPLES: 'OFF',
  LLAMA_BUILD_APP: 'OFF',
  LLAMA_BUILD_UI: 'OFF',
  LLAMA_USE_PREBUILT_UI: 'OFF',
  LLAMA_BUILD_TOOLS: 'ON',
  LLAMA_BUILD_SERVER: 'ON',
}

/**
 * SLUICE_LLAMA_BIN names a folder of them that was built elsewhere (scripts/gpu/run.sh).
 * @returns the program's path, built now (minutes) if these options and this source are new
 */
export async function llamaProgram(name: (typeof programs)[number]): Promise<string> {
  if (process.env.SLUICE_LLAMA_BIN) return path.join(process.env.SLUICE_LLAMA_BIN, name)
  const pinned = inRoot('deps/llama.cpp')
  const source = process.env.LLAMA_CPP_DIR || pinned
  // Checkouts with the same pin and patches share what one of them has built.
  const hash = hashOf([options, source === pinned ? pinnedSource() : source], [])
  const build = inCache(`llama-${hash.slice(0, 12)}`)
  const program = `${build}/bin/${name}`
  const stamp = `${build}/bench.stamp`
  if (fs.existsSync(program) && isFresh(stamp, hash)) return program

  await requireBuildTools('cpu')
  console.log(`llama.cpp: building ${programs.join(' and ')} in ${build}`)
  const defines = Object.entries(options).map(([key, value]) => `-D${key}=${value}`)
  const generator = findProgram(['ninja']) ? ['-G', 'Ninja'] : []
  fs.rmSync(build, { recursive: true, force: true }) // CMake would hold on to another checkout's
  await cmake([...generator, '-S', source, '-B', build, ...defines])
  await cmake(['--build', build, '-j', String(os.availableParallelism()), '-t', ...programs])
  writeStamp(stamp, hash)
  return program
}

/** The lock and our patches: the server gets the same mends as Sluice. */
function pinnedSource(): string[] {
  const patches = inRoot('deps/patches')
  const files = fs.readdirSync(patches).map((name) => `${patches}/${name}`)
  return [inRoot('deps/llama.lock.json'), ...files].map((file) => fs.readFileSync(file, 'utf8'))
}

async function cmake(args: string[]): Promise<void> {
  const { status, output } = await run('cmake', args, { quiet: true })
  if (status === 0) return
  throw new Stop(`cmake ${args[0]} failed:\n${output.split('\n').slice(-30).join('\n')}`)
}
