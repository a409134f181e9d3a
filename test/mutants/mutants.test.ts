import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { mutants } from './mutants.mjs'

// That there is a test for each of the wire's checks, and a mutant that would show it to be one.
// `npm run test:mutants` tries them all.

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const checks = Array.from({ length: 43 }, (_, i) => i + 1)

/** The numbers in front of the names of a file's tests. */
function numbersIn(file: string): number[] {
  const names = read(file).matchAll(/(?:\(|^\s*)['"`]((?:\d+, )*\d+): /gm)
  return [...names].flatMap(([, numbers = '']) => numbers.split(', ').map(Number))
}

const files = ['test', 'native/test'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /[.-]test\.(ts|cpp)$/.test(name))
    .map((name) => path.join(folder, name)),
)

test('each of the 43 checks is a test under its number', () => {
  const found = new Set(files.flatMap(numbersIn))
  expect(checks.filter((check) => !found.has(check))).toEqual([])
})

test('each of the 43 checks has a mutant', () => {
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

test('three of them are noticed; `npm run test:mutants` tries the others too', () => {
  const { stdout } = spawnSync(
    process.execPath,
    ['scripts/test-mutants.mjs', '--only', '8,20,24'],
    { cwd: root, encoding: 'utf8' },
  )
  expect(stdout).toMatch(/\n3 noticed, 0 not\n$/)
}, 120_000)
