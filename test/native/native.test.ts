import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

// Two programs: the pure parts of native/engine and native/llama (native/test), and our use of
// llama.cpp (native/llama/test). Each of their cases is a test here, under its own sentence.

interface CaseResult {
  name: string
  ok: boolean
  message: string
}

const suffix = process.platform === 'win32' ? '.exe' : ''
const programs: [title: string, program: string][] = [
  ['the native engine, without a model', 'sluice-native-tests'],
  ['the native engine, against llama.cpp', 'sluice-llama-tests'],
]

function runProgram(name: string, args: string[]) {
  const program = path.resolve('build/Release', name + suffix)
  const { stdout, stderr, status, signal, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (error) throw new Error(`${program} cannot run; build it with: npm test`, { cause: error })
  const lines = stdout.split('\n').filter((line) => line !== '')
  return { lines: lines.map((line) => JSON.parse(line) as unknown), stderr, status, signal }
}

describe.each(programs)('%s', (_, program) => {
  const names = runProgram(program, ['--list']).lines as string[]
  const { lines, stderr, status, signal } = runProgram(program, [])
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
