import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseLoadOptions } from '../../src/options/engine-options.js'

const parse = (options: unknown) => parseLoadOptions(options, 'embedded.gguf')

describe('options of load', () => {
  test('get their defaults beside a model alone; what depends on the machine stays open', () => {
    expect(parse({ model: 'm.gguf' })).toEqual({
      model: 'm.gguf',
      lora: [],
      parallel: 4,
      window: 64,
      queue: 64,
      queueDeadlineMs: 60_000,
      poll: 0,
      priority: 'normal',
      gpu: 'auto',
      gpuLayers: -1,
      kvType: 'f16',
      flashAttention: 'auto',
      cacheDiskGiB: 10,
      lookup: false,
      mtp: false,
      toolsFallback: false,
      toolsMax: 1024,
      toolBytesMax: 2 ** 20,
      toolWorkMax: 10_000,
      rpc: [],
      rpcWaitMs: 60_000,
      isolation: 'none',
      engineStallMs: 30_000,
      sampling: {},
      reasoning: {},
    })
  })

  test('go before their defaults', () => {
    const given = {
      model: 'm.gguf',
      parallel: 256,
      context: 32,
      window: 1,
      queue: 0,
      queueDeadlineMs: 1,
      threads: 512,
      poll: 50,
      priority: 'low',
      gpu: false,
      gpuLayers: 0,
      splitMode: 'layer',
      tensorSplit: [3, 1],
      kvType: 'q4_0',
      flashAttention: true,
      kvCells: 32,
      draft: 'd.gguf',
      lookup: false,
      mtp: false,
      draftMax: 16,
      toolsFallback: true,
      toolsMax: 1,
      toolBytesMax: 1,
      toolWorkMax: 1,
      cacheMiB: 0,
      cacheDir: 'states',
      cacheDiskGiB: 0.5,
      rpcWaitMs: 1,
      isolation: 'process',
      engineStallMs: 1,
      sampling: { temperature: 0, seed: 7 },
      reasoning: { budget: 0, budgetMessage: 'Enough.' },
      onProgress: () => undefined,
      onWarning: () => undefined,
      onCrash: () => undefined,
      signal: new AbortController().signal,
    }
    expect(parse(given)).toEqual({ ...given, lora: [], rpc: [] })
  })

  test.each([
    ['model', { model: new URL('https://example.com/m.gguf') }],
    ['model', { model: {} }],
    ['model', { model: '' }],
    ['model', { model: 'a\0b' }],
    ['parallel', { parallel: 0 }],
    ['parallel', { parallel: 257 }],
    ['context', { context: 31 }],
    ['window', { window: 65_537 }],
    ['queue', { queue: -1 }],
    ['queueDeadlineMs', { queueDeadlineMs: 0 }],
    ['threads', { threads: 1.5 }],
    ['poll', { poll: 101 }],
    ['priority', { priority: 'highest' }],
    ['isolation', { isolation: 'worker' }],
    ['engineStallMs', { engineStallMs: 0 }],
    ['rpcWaitMs', { rpcWaitMs: 0 }],
    ['gpuLayers', { gpuLayers: -2 }],
    ['kvType', { kvType: 'f32' }],
    ['kvType', { kvType: 'q8_0', flashAttention: false }],
    ['gpu', { gpu: 'rocm' }],
    ['gpu', { gpu: true }],
    ['gpuLayers', { gpu: false, gpuLayers: 1 }],
    ['splitMode', { splitMode: 'row' }],
    ['mainGpu', { mainGpu: -1 }],
    ['mainGpu', { mainGpu: 16 }],
    ['mainGpu', { mainGpu: 0, splitMode: 'layer' }],
    ['mainGpu', { mainGpu: 0, tensorSplit: [1] }],
    ['tensorSplit', { tensorSplit: [] }],
    ['tensorSplit', { tensorSplit: [0, 0] }],
    ['tensorSplit', { tensorSplit: [0, 1e-300] }],
    ['tensorSplit', { tensorSplit: [1, Number.NaN] }],
    ['tensorSplit', { tensorSplit: [1, -1] }],
    ['tensorSplit', { tensorSplit: new Array(17).fill(1) }],
    ['tensorSplit', { tensorSplit: [1], splitMode: 'none' }],
    ['flashAttention', { flashAttention: 'on' }],
    ['onWarning', { onWarning: 'loud' }],
    ['kvCells', { kvCells: 31 }],
    ['kvCells', { kvCells: 2 ** 30 + 1 }],
    ['draft', { draft: '' }],
    ['lookup', { lookup: 1 }],
    ['lookup', { lookup: true, draft: 'd.gguf' }],
    ['mtp', { mtp: 1 }],
    ['mtp', { mtp: true, draft: 'd.gguf' }],
    ['mtp', { mtp: true, lookup: true }],
    ['draftMax', { draftMax: 0 }],
    ['draftMax', { draftMax: 17 }],
    ['toolsMax', { toolsMax: 0 }],
    ['toolBytesMax', { toolBytesMax: 2 ** 26 + 1 }],
    ['toolWorkMax', { toolWorkMax: 0.5 }],
    ['cacheMiB', { cacheMiB: -1 }],
    ['cacheDir', { cacheDir: '' }],
    ['cacheDiskGiB', { cacheDiskGiB: 0 }],
    ['cacheDiskGiB', { cacheDiskGiB: 2 ** 20 + 1 }],
    ['cacheMiB', { cacheMiB: 0.5 }],
    ['cacheMiB', { cacheMiB: 2 ** 20 + 1 }],
    ['sampling', { sampling: 'hot' }],
    ['sampling.temperature', { sampling: { temperature: 101 } }],
    ['sampling.maxTokens', { sampling: { maxTokens: 3 } }],
    ['reasoning', { reasoning: 100 }],
    ['reasoning.budget', { reasoning: { budget: -2 } }],
    ['reasoning.budgetMessage', { reasoning: { budgetMessage: 'x'.repeat(1025) } }],
    ['reasoning.effort', { reasoning: { effort: 'low' } }],
    ['onProgress', { onProgress: 'loud' }],
    ['signal', { signal: 'red' }],
    ['paralel', { paralel: 2 }],
  ])('are refused by their path where %s is wrong: %j', (path, options) => {
    expect(() => parse({ model: 'm.gguf', ...options })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', option: path }),
    )
  })

  test('have shared cells that hold one whole sequence, as far as its length is given', () => {
    const cells = (kvCells: number, context?: number) => () =>
      parse({ model: 'm.gguf', kvCells, context })
    expect(cells(512, 512)).not.toThrow()
    expect(cells(512)).not.toThrow()
    expect(cells(511, 512)).toThrow(
      expect.objectContaining({
        option: 'kvCells',
        message: "'kvCells': expected a whole number from 512 (context) on, but got 511.",
      }),
    )
  })

  test('have the embedded model where they name none, and paths for file URLs', () => {
    expect(parse({}).model).toBe('embedded.gguf')
    expect(parse({ model: undefined }).model).toBe('embedded.gguf')
    const url = pathToFileURL(path.resolve('with space.gguf'))
    expect(parse({ model: url, draft: url })).toMatchObject({
      model: path.resolve('with space.gguf'),
      draft: path.resolve('with space.gguf'),
    })
  })

  test('have messages that say what was expected and what came', () => {
    expect(() => parse({ model: 'm.gguf', parallel: 'many' })).toThrow(
      `'parallel': expected a whole number from 1 to 256, but got "many".`,
    )
  })
})
