import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

// Programs of native tests: the pure parts of native/engine and native/llama (native/test), our use
// of llama.cpp (native/llama/test), and products of matrices by ggml (native/llama/test/kernels),
// these also with AMX in software (cmake/kernel-tests.cmake). Each case is a test here, under its
// own sentence.

interface CaseResult {
  name: string
  ok: boolean
  message: string
}

const suffix = process.platform === 'win32' ? '.exe' : ''
const softAmx = 'sluice-kernel-tests-soft-amx'
const programs: [title: string, program: string, words?: string][] = [
  ['the native engine, without a model', 'sluice-native-tests'],
  ['the native engine, against llama.cpp', 'sluice-llama-tests'],
  ["products of matrices by ggml's kernels are what a plain sum gives", 'sluice-kernel-tests'],
]
if (fs.existsSync(programPath(softAmx))) {
  programs.push(['products by AMX, in software, are what a plain sum gives', softAmx, 'AMX'])
}

function programPath(name: string) {
  return path.resolve('build/Release', name + suffix)
}

function runProgram(name: string, args: string[]) {
  const program = programPath(name)
  const { stdout, stderr, status, signal, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 60 * 60_000,
  })
  if (error) throw new Error(`${program} cannot run; build it with: npm test`, { cause: error })
  const lines = stdout.split('\n').filter((line) => line !== '')
  return { lines: lines.map((line) => JSON.parse(line) as unknown), stderr, status, signal }
}

describe.each(programs)('%s', (_, program, words = '') => {
  const names = (runProgram(program, ['--list']).lines as string[]).filter((name) =>
    name.includes(words),
  )
  const { lines, stderr, status, signal } = runProgram(program, words ? [words] : [])
  const results = new Map((lines as CaseResult[]).map((result) => [result.name, result]))

  test('has cases, and no two of one name', () => {
    expect(names.length).toBeGreaterThan(0)
    expect(new Set(names).size).toBe(names.length)
  })

  test.each(names)('%s', (name) => {
    const result = results.get(name)
    const ended = `the program ended before it (status ${status}, signal ${signal})\n${stderr}`
    expect(result?.message ?? ended).toBe('')
  })
})

// Where there is AVX-512 VNNI and GCC, the build must have made it.
describe.skipIf(!cpuHas('avx512_vnni') || spawnSync('g++', ['--version']).error)(
  'AMX in software',
  () => {
    const names = () => runProgram(softAmx, ['--list']).lines as string[]

    test.each(['q4_0', 'q4_1', 'q8_0', 'q4_K', 'q5_K', 'q6_K', 'iq4_xs', 'f16'])(
      'has a table for %s',
      (type) => expect(names()).toContain(`${type} in AMX`),
    )
  },
)

test.runIf(cpuHas('amx_int8'))("this machine's own AMX is used", () => {
  expect(runProgram('sluice-kernel-tests', ['--list']).lines).toContain('q8_0 in AMX')
})

function cpuHas(feature: string): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false
  return fs.readFileSync('/proc/cpuinfo', 'utf8').includes(` ${feature} `)
}
