import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { killAfterEach } from '../../support/cli.js'
import { eventually } from '../../support/eventually.js'
import {
  engineProcess,
  healthy,
  type Isolated,
  isAlive,
  startIsolated,
} from '../../support/isolated/served.js'
import {
  aboutToFail,
  exactArgs,
  faultsOf,
  type Heard,
  quietTexts,
  seeds,
  stream,
} from '../../support/isolated/storm.js'
import { randomModel } from '../../support/models/random-model.js'

// The kinds of ends in docs/internals/aborts.md that test/e2e/isolation/cli-serve.test.ts does not
// raise, each in the engine's process by a fault of ours, under 32 streams.

killAfterEach()

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-deaths-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const codesOf = (heard: readonly Heard[]) => new Set(heard.map(({ code }) => code))

/** All streams are right, and a later one too. */
async function survived(served: Isolated, heard: readonly Heard[], texts: Map<number, string>) {
  expect(faultsOf(heard, texts)).toEqual([])
  await healthy(served)
  expect(await stream(served, 3)).toMatchObject({ text: texts.get(3), code: undefined })
}

const streams = (served: Isolated) => Promise.all(seeds.map((seed) => stream(served, seed)))

describe.skipIf(process.platform !== 'linux')('sluice serve --isolation process', () => {
  test.each([
    ['an exception that nobody catches', 'logits-terminate:300', 'SIGABRT'],
    ['a stack that is used up', 'logits-stack:300', 'SIGSEGV'],
  ])('outlives %s in the engine', async (_, fault, signal) => {
    const { served, texts } = await aboutToFail(fault, folder)
    const heard = await streams(served)
    expect(codesOf(heard)).toContain('engine_crashed')
    for (const { message } of heard.filter(({ code }) => code !== undefined)) {
      expect(message).toContain(signal)
    }
    await survived(served, heard, texts)
  })

  test.each(['SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS'] as const)(
    'outlives an engine that %s ends',
    async (signal) => {
      const served = await startIsolated(exactArgs)
      const texts = await quietTexts(served, seeds)
      const all = streams(served)
      const last = await engineProcess(served)
      process.kill(last, signal)
      await eventually(() => !isAlive(last))
      await survived(served, await all, texts)
    },
  )

  test('goes on where a model’s file that was cut while it was mapped is whole again', async () => {
    const model = path.join(folder, 'cut.gguf')
    fs.copyFileSync(randomModel({ weights: 'q8_0' }), model)
    const served = await startIsolated(exactArgs, { model })
    const texts = await quietTexts(served, seeds)
    const last = await engineProcess(served)
    fs.truncateSync(model, 4096)
    const all = streams(served)
    await eventually(() => !isAlive(last), 'the engine’s process did not notice')
    fs.copyFileSync(randomModel({ weights: 'q8_0' }), model)
    await survived(served, await all, texts)
    served.cli.child.kill('SIGTERM')
    const { code, stderr } = await served.cli.result
    expect(code).toBe(0)
    expect(stderr).toContain('SIGBUS')
  })

  test('outlives an engine whose address space is used up', async () => {
    const served = await startIsolated(exactArgs)
    const texts = await quietTexts(served, seeds)
    const last = await engineProcess(served)
    const status = fs.readFileSync(`/proc/${last}/status`, 'utf8')
    const kib = Number(/^VmSize:\s+(\d+) kB/m.exec(status)?.[1])
    // From now on it gets nothing more of the system; the next process has no such limit.
    execFileSync('prlimit', ['--pid', String(last), `--as=${kib * 1024}`])
    for (let round = 0; isAlive(last) && round < 20; round++) {
      const heard = await streams(served)
      for (const code of codesOf(heard)) {
        expect([undefined, 'engine_crashed', 'engine_failed', 'engine_ended']).toContain(code)
      }
      expect(heard.every(({ seed, text }) => texts.get(seed)?.startsWith(text))).toBe(true)
    }
    expect(isAlive(last)).toBe(false)
    await survived(served, await streams(served), texts)
  })
})
