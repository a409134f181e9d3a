import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

// The pure parts of native/engine, in a program of their own (native/test): each of its cases is a
// test here, under its own sentence.

interface CaseResult {
  name: string
  ok: boolean
  message: string
}

const suffix = process.platform === 'win32' ? '.exe' : ''
const program = path.resolve('build/Release', `sluice-native-tests${suffix}`)

function runProgram(args: string[]) {
  const { stdout, stderr, status, signal, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (error) throw new Error(`${program} cannot run; build it with: npm test`, { cause: error })
  const lines = stdout.split('\n').filter((line) => line !== '')
  return { lines: lines.map((line) => JSON.parse(line) as unknown), stderr, status, signal }
}

const names = runProgram(['--list']).lines as string[]

describe('the native engine, without a model', () => {
  const { lines, stderr, status, signal } = runProgram([])
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
