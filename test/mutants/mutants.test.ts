import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { checksIn, wireCheck, wireChecks } from '../support/wire/checks.mjs'
import { mutants } from './mutants.mjs'

// That there is a test for each of the doors' checks, and a mutant that would show it to be one.
// `npm run test:mutants` tries them all.

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const checks = Object.keys(wireChecks).map(Number)

/** The checks that a file names, in TypeScript by `wireCheck` and in C++ in a title. */
function numbersIn(file: string): number[] {
  const calls = [...read(file).matchAll(/describe\(wireCheck\(([\d, ]+)\)/g)]
  const inTypescript = calls.flatMap(([, numbers = '']) => numbers.split(', ').map(Number))
  return file.endsWith('.cpp') ? checksIn(read(file)) : inTypescript
}

const files = ['test', 'native/test'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /[.-]test\.(ts|cpp)$/.test(name))
    .map((name) => path.join(folder, name)),
)

test('a title of several checks names each of them, and no check that there is not', () => {
  expect(checksIn(`the tests of ${wireCheck(26, 28)}`)).toEqual([26, 28])
  expect(() => wireCheck(81)).toThrow('There is no check 81.')
})

test('each of the 80 checks has a test', () => {
  const found = new Set(files.flatMap(numbersIn))
  expect(checks).toHaveLength(80)
  expect(checks.filter((check) => !found.has(check))).toEqual([])
})

test('each of the 80 checks has a mutant', () => {
  const found = new Set(mutants.map(({ check }) => check))
  expect(checks.filter((check) => !found.has(check))).toEqual([])
})

test.each(mutants)('the mutant of $check in $file spoils a line that is there', (mutant) => {
  const { file, find, replace } = mutant
  expect(read(file).split(find)).toHaveLength(2)
  const [before, after] = [find.split('\n'), replace.split('\n')]
  expect(after).toHaveLength(before.length)
  expect(before.filter((line, i) => line !== after[i])).toHaveLength(1)
})

test(
  'three of the mutants are noticed; `npm run test:mutants` tries the others too',
  () => {
    const { stdout } = spawnSync(
      process.execPath,
      ['scripts/test-mutants.mjs', '--only', '8,20,24'],
      { cwd: root, encoding: 'utf8' },
    )
    expect(stdout).toMatch(/\n3 noticed, 0 not\n$/)
  },
  15 * 60_000,
)
