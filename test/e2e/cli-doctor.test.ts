import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { libc } from '../../src/binding/platform.js'
import type { DoctorReport } from '../../src/cli/doctor/report.js'
import { killAfterEach, runCli, startCli } from '../support/cli.js'
import { randomModel } from '../support/models/random-model.js'

killAfterEach()

describe('sluice doctor', () => {
  test('tells the machine on stdout, and ends with 0 where sluice works', async () => {
    const { stdout, stderr, code } = await runCli(['doctor'])
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    for (const head of ['platform', 'processor', 'memory', 'Backends', 'Devices', '  CPU  ']) {
      expect(stdout).toContain(head)
    }
  })

  test('tells what a model would need and get, with the flags of serve', async () => {
    const flags = ['--parallel', '2', '--context', '512', '--kv-type', 'q8_0', '--gpu', 'off']
    const { stdout, code } = await runCli(['doctor', randomModel(), ...flags])
    expect(code).toBe(0)
    expect(stdout).toContain('on the CPU, 2 x 512 tokens, kv-type q8_0')
    expect(stdout).toMatch(/host memory +\d+ MiB: weights \d+ MiB, KV \d+ MiB/)
  })

  test('is one JSON object with --json', async () => {
    const { stdout, code } = await runCli(['doctor', '--json', '--model', randomModel()])
    const report = JSON.parse(stdout) as DoctorReport
    expect(code).toBe(0)
    expect(report.format).toBe(1)
    expect(Object.keys(report)).toEqual([
      'format',
      'sluice',
      'llamaCpp',
      'platform',
      'cpu',
      'memory',
      'backends',
      'devices',
      'model',
      'problems',
    ])
    const cpu = { name: 'cpu', path: null, variant: null, loaded: true, reason: null }
    expect(report.backends).toContainEqual(cpu)
    expect(report.devices).toContainEqual(expect.objectContaining({ name: 'CPU', kind: 'cpu' }))
    expect(report.model).toMatchObject({ path: randomModel(), fits: true, parallel: 4 })
  })

  test.each(['doctor', 'doctor --json', 'serve --help', '--version'])(
    '%s ends quietly without a reader',
    async (line) => {
      const cli = startCli(line.split(' '))
      cli.child.stdout?.destroy()
      expect(await cli.result).toMatchObject({ code: 0, stderr: '' })
    },
  )

  test('ends with 1 where the model cannot be loaded, and with 2 for a wrong flag', async () => {
    const missing = await runCli(['doctor', 'nowhere.gguf'])
    expect(missing).toMatchObject({ code: 1, stderr: '' })
    expect(missing.stdout).toContain('nowhere.gguf cannot be loaded (ERR_MODEL_NOT_FOUND)')
    const named = await runCli(['doctor', randomModel(), '--gpu', 'cuda'])
    expect(named.code).toBe(1)
    expect(named.stdout).toContain('npx sluice build --cuda')
    const alone = await runCli(['doctor', '--gpu', 'cuda'])
    expect(alone.code).toBe(1)
    expect(alone.stdout).toContain("gpu 'cuda' was asked for, and no device of it works here")
    expect((await runCli(['doctor', '--gpu', 'rocm'])).code).toBe(2)
  })

  test.each([
    [['--gpu', 'off', '--gpu-layers', '5'], '--gpu-layers'],
    [['--tensor-split', '1,1', '--main-gpu', '0'], '--main-gpu'],
    [['--kv-type', 'q8_0', '--flash-attention', 'off', randomModel()], '--kv-type'],
    [[''], '--model'],
  ])('ends with 2 for flags that do not go together: %j', async (flags, option) => {
    const { code, stdout, stderr } = await runCli(['doctor', ...flags])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^sluice: '${option}': expected .*ERR_INVALID_OPTION`))
  })
})

describe('sluice doctor without a binary', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-doctor-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('says how to get one, and ends with 1', () => {
    for (const part of ['dist', 'package.json']) {
      cpSync(part, path.join(folder, part), { recursive: true })
    }
    symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'), 'junction')
    const args = [path.join(folder, 'dist/cli/main.cjs'), 'doctor', 'a.gguf']
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 1 })
    expect(stdout).toContain('platform')
    expect(stdout).toMatch(/error: there is no native binary .*\n.*npx sluice build/)
  })

  test('each command names every place that it looked in, and why that was of no use', () => {
    const broken = path.join(folder, 'prebuilds', `${process.platform}-${process.arch}`)
    mkdirSync(broken, { recursive: true })
    const tag = libc()
    writeFileSync(path.join(broken, tag ? `sluice.${tag}.node` : 'sluice.node'), 'no binary')
    for (const [code, ...args] of [
      [1, 'doctor'],
      [1, 'run', 'x'],
      [1, 'serve', '--port', '0'],
    ] as const) {
      const main = path.join(folder, 'dist/cli/main.cjs')
      const ended = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
      expect([args, ended.status]).toEqual([args, code])
      const said = ended.stdout + ended.stderr
      expect(said).toMatch(/a build of your own \(.*\) is not there/)
      expect(said).toMatch(/a prebuilt binary in this folder \(.*\) cannot be loaded: \S/)
      expect(said).toMatch(/the package @sluice\/\S+ is not installed/)
      expect(said).not.toMatch(/\n +at /)
    }
  })
})

test('a GPU that is named and not there is an error in one line', async () => {
  const { stderr, code } = await runCli(['run', 'x', '--gpu', 'cuda', '--model', randomModel()])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^sluice: gpu 'cuda' was asked for, .*\(ERR_GPU_UNAVAILABLE\)\n$/)
})
