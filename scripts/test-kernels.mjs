// Builds the variants of ggml's CPU backend that a release has, and tests the matrix products of
// each against a plain sum (native/llama/test/kernels), where there is a processor for it. Takes
// minutes for each variant that ccache has not seen.
//
//   node scripts/test-kernels.mjs [VARIANT ...] [--arm] [--emulate="qemu-x86_64-static -cpu max"]
//                                 [--words=q8_0]
//
// VARIANT is a part of a name: haswell, icelake ... --arm builds for 64-bit Arm (apt install
// g++-aarch64-linux-gnu qemu-user-static) and emulates it. --words runs the tables that have them
// in their name.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inRoot } from './support/root.mjs'
import { run } from './support/run.mjs'
import { runMain, Stop } from './support/stop.mjs'

const args = process.argv.slice(2)
const isArm = args.includes('--arm')
const wanted = args.filter((arg) => !arg.startsWith('--'))
const emulator = option('--emulate') ?? (isArm ? 'qemu-aarch64-static -cpu max' : '')
const words = option('--words') ?? ''
const build = inRoot('build-cmake', isArm ? 'kernels-arm64' : 'kernels')

await runMain(async () => {
  await cmake(configureArgs())
  const names = fs.readFileSync(path.join(build, 'variants.txt'), 'utf8').trim().split('\n')
  const chosen = names.filter((name) => wanted.length === 0 || wanted.some((w) => name.includes(w)))
  if (chosen.length === 0) throw new Stop(`No variant of that name; there are: ${names.join(', ')}`)
  let wrong = 0
  for (const name of chosen) wrong += await testVariant(name)
  return wrong === 0 ? 0 : 1
})

function configureArgs() {
  const source = process.env.LLAMA_CPP_DIR || inRoot('deps/llama.cpp')
  const configure = ['-S', inRoot('cmake/kernel-variants'), '-B', build]
  configure.push(`-DLLAMA_CPP_DIR=${source}`)
  if (!isArm) return configure
  const compilers = ['-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc']
  compilers.push('-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++')
  return [...configure, ...compilers, '-DCMAKE_SYSTEM_NAME=Linux', '-DCMAKE_SYSTEM_PROCESSOR=arm64']
}

/**
 * @param {string} name CMake's
 * @returns {Promise<number>} how many tables are wrong
 */
async function testVariant(name) {
  const jobs = String(os.availableParallelism())
  await cmake(['--build', build, '-j', jobs, '-t', 'sluice-kernel-tests', name])
  const program = path.join(build, 'bin/sluice-kernel-tests')
  const backend = `--backend=${path.join(build, 'bin', `lib${name}.so`)}`
  const [command = program, ...rest] = [...emulator.split(' ').filter(Boolean), program]
  const env = { ...process.env, ...(isArm && { QEMU_LD_PREFIX: '/usr/aarch64-linux-gnu' }) }
  const { status, output } = await run(command, [...rest, backend, words], { quiet: true, env })
  const tables = output.split('\n').filter((line) => line.startsWith('{'))
  const wrong = tables.filter((line) => !JSON.parse(line).ok)
  const isRun = status === 0 || status === 1
  const said = isRun ? '' : `ended with ${status}: ${output.trim().split('\n').at(-1)}`
  console.log(`${name}: ${tables.length} tables, ${wrong.length} wrong ${said}`)
  for (const line of wrong) console.log(`  ${line}`)
  const isMissing = output.includes('no CPU backend for this processor')
  return wrong.length + (isRun || isMissing ? 0 : 1)
}

/** @param {string} name */
function option(name) {
  return args.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** @param {string[]} cmakeArgs */
async function cmake(cmakeArgs) {
  const { status, output } = await run('cmake', cmakeArgs, { quiet: true })
  if (status === 0) return
  throw new Stop(`cmake ${cmakeArgs[0]} failed:\n${output.split('\n').slice(-30).join('\n')}`)
}
