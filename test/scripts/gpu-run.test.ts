import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchCheckout } from '../support/packages/scratch-checkout.js'

// What can be known of scripts/gpu/run.sh where there is no GPU: Node is a stand-in.

let scratch: ScratchCheckout
beforeEach(() => {
  scratch = new ScratchCheckout()
  scratch.write('gpu-results/facts.txt', 'gpu: a stand-in\n')
})
afterEach(() => scratch[Symbol.dispose]())

function gpu(steps: string[], env: Record<string, string> = {}) {
  const { status, stdout } = spawnSync('bash', ['scripts/gpu/run.sh', ...steps], {
    cwd: scratch.root,
    encoding: 'utf8',
    env: { PATH: `${scratch.bin}:/usr/bin:/bin`, ...env },
  })
  return { status, stdout }
}

const log = (name: string) => scratch.read(`gpu-results/${name}`)

describe.runIf(process.platform === 'linux')('scripts/gpu/run.sh', () => {
  test.skipIf(fs.existsSync('/usr/bin/nvidia-smi'))('says what is missing', () => {
    scratch.tool('node', 'echo a stand-in')
    const { status, stdout } = gpu(['check'], { SLUICE_BACKEND: 'cuda' })
    expect(stdout).toMatch(/missing: .*nvidia-smi, so a driver/)
    expect(status).toBe(1)
    expect(log('facts.txt')).toMatch(/^machine: Linux/m)
  })

  test('refuses a step that it does not know', () => {
    expect(gpu(['biuld'])).toMatchObject({ status: 2 })
  })

  test('builds our programs and llama-server with the same options', () => {
    scratch.tool('node', 'echo "$@" >> calls.log; mkdir -p build-cmake/cpu-x64-release')
    scratch.tool('cmake', 'echo "$@" >> calls.log')
    scratch.write('build/Release/sluice.node', '')
    scratch.write('build-cmake/cpu-x64-release/bin/llama-server', '')
    expect(gpu(['build'], { SLUICE_BACKEND: 'cpu' }).status).toBe(0)
    const [ours, theirs] = scratch.takeCalls()
    expect(ours).toContain('build-native.mjs --cpu --tests -DSLUICE_LLAMA_SERVER=ON')
    expect(theirs).toMatch(/--build build-cmake\/cpu-x64-release .*-t llama-server/)
  })

  test('ends with 75 where a step takes too long, reports it, and can be run again', () => {
    scratch.tool('node', 'sleep 60')
    const env = { SLUICE_BACKEND: 'cpu', STEP_SECONDS: '7' }
    const { status, stdout } = gpu(['build'], env)
    expect(status).toBe(75)
    expect(stdout).toContain('build is not done in 7 s: run the same again')
    expect(log('report.md')).toContain('gpu: a stand-in')
  })

  test('goes on with the tests that were not run, and keeps failures as findings', () => {
    for (const name of ['native', 'llama']) {
      const program = scratch.write(`build/Release/sluice-${name}-tests`, '#!/bin/sh\nexit 0\n')
      fs.chmodSync(program, 0o755)
    }
    for (const name of ['a', 'b', 'c']) scratch.write(`test/lifecycle/${name}.test.ts`, '')
    scratch.write('gpu-results/tests.txt', 'lifecycle-a exit code 0\n')
    scratch.tool('node', 'echo "$@" >> calls.log; case "$*" in *b.test.ts) exit 1;; esac')
    expect(gpu(['test'], { SLUICE_BACKEND: 'cpu' }).status).toBe(0)
    const run = scratch.takeCalls().map((call) => path.basename(call.split(' ').at(-1) ?? ''))
    expect(run.filter((name) => /^[abc]\./.test(name))).toEqual(['b.test.ts', 'c.test.ts'])
    expect(log('tests.txt')).toMatch(/^lifecycle-b exit code 1/m)
    expect(log('tests.txt')).toMatch(/^lifecycle-c exit code 0/m)
  })
})
