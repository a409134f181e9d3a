import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { hosts } from '../../support/packages/hosts.js'
import { startProgram } from '../../support/program.js'

// What runs a user's TypeScript and his tests, each as its own documentation tells, with the
// packed tarball in node_modules. docs/bundlers.md has a row for each.

let folder: string
beforeAll(async () => {
  folder = await hosts()
}, 15 * 60_000)

/** In a folder of test/hosts, without what this vitest tells its own processes. */
function run(where: string, ...args: string[]) {
  const env = { VITEST: '', NODE_ENV: 'test' }
  return startProgram(process.execPath, args, { cwd: path.join(folder, where), env }).result
}

describe.each([
  ['jest-commonjs', []],
  ['jest-esm', ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']],
])('%s', (where, flags) => {
  const jest = (...args: string[]) =>
    run(where, ...flags, '../node_modules/jest/bin/jest.js', ...args)

  test.each([
    ['in one process', '--runInBand'],
    ['in two processes', '--maxWorkers=2'],
    ['in two threads', '--maxWorkers=2', '--workerThreads'],
  ])('passes %s, which end by themselves', async (_, ...args) => {
    const { code, stderr } = await jest(...args)
    expect(stderr).toMatch(/Tests: +7 passed, 7 total/)
    expect(stderr).not.toMatch(/did not exit|failed to exit|Warning/)
    expect(code).toBe(0)
  })

  test('finds no open handle where each engine was closed', async () => {
    const { stderr } = await jest('--detectOpenHandles', 'story', 'server')
    expect(stderr).toMatch(/Tests: +6 passed, 6 total/)
    expect(stderr).not.toContain('open handle')
  })
})

test.each(['threads', 'forks', 'vmThreads', 'vmForks'])('vitest passes in %s', async (pool) => {
  const vitest = '../node_modules/vitest/vitest.mjs'
  const { code, stdout, stderr } = await run('vitest', vitest, 'run', `--pool=${pool}`)
  expect(stdout).toMatch(/Tests +7 passed \(7\)/)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

describe('TypeScript as it stands', () => {
  const tsNode = '../node_modules/ts-node'
  const noWarning = '--disable-warning=ExperimentalWarning' // of --loader

  test.each([
    ['tsx, ES module', ['../node_modules/tsx/dist/cli.mjs', 'story.mts']],
    ['tsx, CommonJS', ['../node_modules/tsx/dist/cli.mjs', 'story.cts']],
    ['tsx by --import', ['--import', '../node_modules/tsx/dist/loader.mjs', 'story.mts']],
    ['ts-node, CommonJS', [`${tsNode}/dist/bin.js`, 'story.cts']],
    ['ts-node, ES module', [noWarning, '--loader', `${tsNode}/esm.mjs`, 'story.mts']],
  ])('runs by %s', async (_, args) => {
    const result = await run(
      'typescript',
      ...args,
      '../node_modules/sluice/models/storyteller.gguf',
    )
    const stdout = 'health 200\nwords true\nERR_MODEL_NOT_FOUND\n'
    expect(result).toEqual({ code: 0, stdout, stderr: '' })
  })
})
