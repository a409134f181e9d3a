import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { DoctorReport } from '../../src/cli/doctor/report.js'
import { killAfterEach, runCli, startCli } from '../support/cli.js'
import { randomModel } from '../support/random-model.js'

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
    '%s ends quietly where nobody reads',
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
    [['--gpu', 'off', '--gpu-layers', '5'], 'gpuLayers'],
    [['--tensor-split', '1,1', '--main-gpu', '0'], 'mainGpu'],
    [['--kv-type', 'q8_0', '--flash-attention', 'off', randomModel()], 'kvType'],
    [[''], 'file'],
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
    const args = [path.join(folder, 'dist/cli/main.js'), 'doctor', 'a.gguf']
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect({ stderr, status }).toEqual({ stderr: '', status: 1 })
    expect(stdout).toContain('platform')
    expect(stdout).toMatch(/error: there is no native binary .*\n.*npx sluice build/)
  })
})

test('a GPU that is named and not there is an error in one line', async () => {
  const { stderr, code } = await runCli(['run', 'x', '--gpu', 'cuda', '--model', randomModel()])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^sluice: gpu 'cuda' was asked for, .*\(ERR_GPU_UNAVAILABLE\)\n$/)
})
