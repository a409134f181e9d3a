import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeDevice } from '../../src/binding/engine-port.js'
import { examine } from '../../src/cli/doctor/examine.js'
import { doctorText, gibibytes } from '../../src/cli/doctor/format.js'
import { idleHardware, processorFeatures } from '../../src/cli/doctor/machine.js'
import type { DoctorReport } from '../../src/cli/doctor/report.js'
import { FakeAddon } from '../support/fake-binding.js'
import { freePort } from '../support/program.js'

const gpu: NativeDevice = {
  name: 'CUDA0',
  description: 'A card',
  backend: 'cuda',
  kind: 'gpu',
  totalBytes: 24 * 2 ** 30,
  freeBytes: 20 * 2 ** 30,
}

let addon: FakeAddon
beforeEach(() => {
  addon = new FakeAddon()
  useBinding(addon)
})
afterEach(() => useBinding(undefined))

/** Without what depends on the machine that the test runs on. */
const own = ({ problems, ...report }: DoctorReport) => ({
  ...report,
  problems: problems.filter(({ what }) => !/this processor has|is here, and nothing/.test(what)),
})

describe('what doctor finds', () => {
  test('is the platform, the processor and the memory', async () => {
    const { platform, cpu, memory, format } = await examine(undefined, {})
    expect(format).toBe(1)
    expect(platform).toMatchObject({ os: process.platform, node: process.versions.node })
    if (process.platform === 'linux') expect(platform.libc).toMatch(/^glibc \d+\.\d+$|^musl$/)
    expect(cpu).toMatchObject({ used: ['AVX2'], variant: null })
    expect(memory.freeBytes).toBeLessThan(memory.totalBytes)
  })

  test('is the CPU library that was chosen, and others by their reasons', async () => {
    const one = (variant: string, reason: string) => ({
      name: 'cpu',
      path: `/a/libggml-cpu-${variant}.so`,
      variant,
      loaded: reason === '',
      reason,
    })
    const lesser = 'a better one is loaded'
    const foreign = 'this processor has not all that it needs'
    addon.backendList = [
      one('haswell', ''),
      one('sse42', lesser),
      one('x64', lesser),
      one('icelake', foreign),
    ]
    const lines = doctorText(await examine(undefined, {})).split('\n')
    expect(lines.filter((line) => /^ {2}cpu /.test(line))).toEqual([
      '  cpu  /a/libggml-cpu-haswell.so',
      `  cpu  not sse42, x64: ${lesser}`,
      `  cpu  not icelake: ${foreign}`,
    ])
  })

  test('is each backend with its library, or why it is not here', async () => {
    addon.backendList = [
      {
        name: 'cpu',
        path: '/a/libggml-cpu-icelake.so',
        variant: 'icelake',
        loaded: true,
        reason: '',
      },
      { name: 'cuda', path: '', loaded: false, reason: 'libcuda.so.1 is missing' },
    ]
    const report = await examine(undefined, {})
    expect(report.backends).toEqual([
      {
        name: 'cpu',
        path: '/a/libggml-cpu-icelake.so',
        variant: 'icelake',
        loaded: true,
        reason: null,
      },
      {
        name: 'cuda',
        path: null,
        variant: null,
        loaded: false,
        reason: 'libcuda.so.1 is missing',
      },
    ])
    expect(report.cpu.variant).toBe('icelake')
    const text = doctorText(report)
    expect(text).toMatch(/^ {2}cuda {2}not here: libcuda\.so\.1 is missing$/m)
    expect(text).toContain('variant icelake')
  })

  test('is each device with its memory, and what to do about one that does not work', async () => {
    addon.deviceList = [gpu, { ...gpu, name: 'CUDA1', fault: 'it could not be started' }]
    const report = await examine(undefined, {})
    expect(report.devices).toHaveLength(2)
    expect(own(report).problems).toMatchObject([
      { level: 'warning', what: expect.stringContaining('CUDA1 (A card)') },
    ])
    expect(doctorText(report)).toContain('CUDA0  A card, 20.0 GiB free of 24.0 GiB')
  })

  test('is what a model would need and get', async () => {
    const use = { weightsBytes: 3 * 2 ** 30, kvBytes: 2 ** 30, computeBytes: 2 ** 28 }
    const host = { weightsBytes: 2 ** 20, kvBytes: 0, computeBytes: 2 ** 20 }
    const placement = { layers: 29, gpuLayers: 20, devices: [{ ...gpu, ...use }], host }
    const warnings = [{ code: 'WARN_GPU_PARTIAL' as const, message: '20 of 29 layers fit' }]
    useBinding(new FakeAddon({ model: { placement, warnings } }))
    const report = await examine('models/a.gguf', { parallel: 2 })
    expect(report.model).toMatchObject({ parallel: 2, placement: { gpu: 'cuda', gpuLayers: 20 } })
    expect(own(report).problems).toMatchObject([{ level: 'warning', what: '20 of 29 layers fit' }])
    const text = doctorText(report)
    expect(text).toContain('20 of 29 layers on the GPU (cuda), 2 x 2048 tokens')
    expect(text).toMatch(/CUDA0 +4\.3 GiB: weights 3\.0 GiB, KV 1\.0 GiB, compute 256 MiB/)
  })

  test('is, with workers and no model to say it, whom their network has to keep out', async () => {
    const worker = `127.0.0.1:${await freePort()}`
    const { problems } = await examine(undefined, { rpc: [worker] })
    const said = { what: expect.stringContaining(`cross the network to ${worker} without a key`) }
    expect(problems).toContainEqual(expect.objectContaining({ level: 'warning', ...said }))
    const without = await examine(undefined, {})
    expect(without.problems.filter(({ what }) => what.includes('without a key'))).toEqual([])
  })

  test('is why a model cannot be loaded', async () => {
    const held = new FakeAddon({ load: 'held' })
    useBinding(held)
    const running = examine('a.gguf', {})
    await new Promise((resolve) => setImmediate(resolve))
    held.engine.failLoad({ code: 'ERR_MODEL_NOT_FOUND', message: 'No model file at a.gguf' })
    const report = await running
    expect(report.model).toBeNull()
    expect(own(report).problems).toEqual([
      {
        level: 'error',
        what: 'a.gguf cannot be loaded (ERR_MODEL_NOT_FOUND)',
        fix: 'No model file at a.gguf',
      },
    ])
  })
})

describe('the text', () => {
  test('says that there is no problem where there is none', () => {
    const report = {
      format: 1 as const,
      sluice: '1.0.0',
      llamaCpp: '0.5.0',
      platform: { os: 'linux', arch: 'x64', release: '6.1', node: '20.20.2', libc: 'musl' },
      cpu: { model: 'A processor', cores: 1, features: [], used: ['AVX2'], variant: null },
      memory: { totalBytes: 2 ** 31, freeBytes: 2 ** 30 },
      backends: [],
      devices: [],
      model: null,
      problems: [],
    }
    expect(doctorText(report)).toBe(
      [
        'Sluice 1.0.0, llama.cpp 0.5.0',
        '  platform   linux x64 6.1, musl, Node 20.20.2',
        '  processor  A processor, 1 core',
        '             has none of what matters here',
        '             binary uses AVX2',
        '  memory     1.0 GiB free of 2.0 GiB',
        '',
        'No problems found.',
        '',
      ].join('\n'),
    )
  })

  test.each([
    [0, '0 MiB'],
    [1, '1 MiB'],
    [38 * 2 ** 20, '38 MiB'],
    [2.4 * 2 ** 30, '2.4 GiB'],
  ])('tells %d bytes as %s', (bytes, text) => expect(gibibytes(bytes)).toBe(text))
})

describe('the processor', () => {
  test.each([
    [
      'flags\t\t: fpu avx2 avx512f avx512_vnni amx_int8',
      ['AVX2', 'AVX512', 'AVX512_VNNI', 'AMX_INT8'],
    ],
    [
      'processor : 0\nFeatures : fp asimd asimddp sve i8mm',
      ['NEON', 'DOTPROD', 'MATMUL_INT8', 'SVE'],
    ],
    ['model name : x', null],
  ])('of %j has %j', (cpuinfo, features) => {
    expect(processorFeatures(cpuinfo)).toEqual(features)
  })

  test.each([
    ['/proc/driver/nvidia/version', 'cuda'],
    ['/dev/dri/renderD128', 'vulkan'],
  ])('%s is a GPU for %s', (file, backend) => {
    expect(idleHardware((path) => path === file)).toMatchObject({ backend })
    expect(idleHardware(() => false)).toBeNull()
  })
})
