import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type Engine,
  estimate,
  type LoadOptions,
  load,
  type MemoryUse,
  type ModelInfo,
  type Placement,
} from '../../../../src/index.js'
import { textFileAsModel, truncatedGguf } from '../../../support/models/broken-gguf.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import { kindModel, MODEL_KINDS } from '../../../support/models/model-kinds.js'
import { largeRandomModel, randomModel } from '../../../support/models/random-model.js'
import { scriptModel } from '../../../support/models/script-model.js'

// What an estimate says is held against the buffers of a real load. The KV cache is exact to the
// byte, weights but for the padding of the last tensor. Compute buffers are counted without being
// filled, and llama.cpp places their tensors a little otherwise then: within a quarter.

const computeTolerance = 0.25
const paddingBytes = 64

const engines: Engine[] = []
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
})

async function opened(options: LoadOptions): Promise<Engine> {
  const engine = await load(options)
  engines.push(engine)
  return engine
}

function expectClose(expected: Placement, placement: Placement): void {
  const close = (one: MemoryUse, other: MemoryUse): void => {
    expect(Math.abs(one.weightsBytes - other.weightsBytes)).toBeLessThan(paddingBytes)
    expect(one.kvBytes).toBe(other.kvBytes)
    expect(one.computeBytes).toBeGreaterThanOrEqual(other.computeBytes * (1 - computeTolerance))
    expect(one.computeBytes).toBeLessThanOrEqual(other.computeBytes * (1 + computeTolerance))
  }
  close(expected.host, placement.host)
  expect({ ...expected, host: null }).toEqual({ ...placement, host: null })
}

function abilitiesOf({ hasChatTemplate, canInfill, canCallTools, canThink }: ModelInfo) {
  return { hasChatTemplate, canInfill, canCallTools, canThink }
}

const models: Record<string, () => string> = {
  ...Object.fromEntries(MODEL_KINDS.map((kind) => [kind, () => kindModel(kind)])),
  encoder: () => encoderModel(),
  random: () => randomModel(),
  'random f16': () => randomModel({ weights: 'f16' }),
  large: () => largeRandomModel(),
}

describe.each(Object.entries(models))('an estimate of a %s model', (_, file) => {
  test('is what a load then takes', async () => {
    const own = { parallel: 3, threads: 1 }
    const expected = await estimate(file(), own)
    const { settings, placement, model } = await opened({ model: file(), ...own })
    expectClose(expected.placement, placement)
    expect(expected).toMatchObject({
      parallel: 3,
      context: settings.context,
      kvType: settings.kvType,
      fits: true,
      warnings: [],
      model: { name: model.name, parameters: model.parameters, bytes: model.bytes },
    })
    expect(expected.model).toMatchObject(abilitiesOf(model))
    const { weightsBytes, kvBytes, computeBytes } = expected.placement.host
    expect(expected.totalBytes).toBe(weightsBytes + kvBytes + computeBytes)
  })
})

describe('an estimate', () => {
  test.each([
    ['deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja', { canThink: true }],
    ['Qwen-Qwen3-0.6B.jinja', { canThink: true, canCallTools: true }],
    ['mistralai-Mistral-Nemo-Instruct-2407.jinja', { canThink: false, canCallTools: true }],
  ])('tells what the chat template %s can, as a load does', async (name, can) => {
    const model = scriptModel({
      reply: 'some words to say</think> and an answer',
      marks: ['<think>', '</think>'],
    })
    const chatTemplate = readFileSync(`deps/llama.cpp/models/templates/${name}`, 'utf8')
    const own = { model, chatTemplate, threads: 1 }
    const expected = await estimate(own)
    expect(expected.model).toMatchObject({ ...can, hasChatTemplate: true })
    expect(expected.model).toMatchObject(abilitiesOf((await opened(own)).model))
  })

  test('refuses a chat template that cannot be read, as a load does', async () => {
    await expect(estimate({ chatTemplate: '{% if' })).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
    })
    await expect(load({ chatTemplate: '{% if' })).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
    })
  })

  test.each([
    { kvType: 'q8_0' },
    { kvType: 'bf16' },
    { kvType: 'q4_0' },
    { kvCells: 2048, context: 512 },
    { parallel: 16, context: 256 },
    { flashAttention: false },
  ] as const)('follows %j', async (own) => {
    const expected = await estimate(largeRandomModel(), own)
    const { placement } = await opened({ model: largeRandomModel(), ...own })
    expectClose(expected.placement, placement)
  })

  test('counts a draft model too', async () => {
    const [draft, own] = [randomModel(), { threads: 1, context: 512 }]
    const alone = await estimate(randomModel({ seed: 2 }), own)
    const both = await estimate(randomModel({ seed: 2 }), { ...own, draft })
    expect(both.placement.host.weightsBytes).toBe(2 * alone.placement.host.weightsBytes)
    const { placement } = await opened({ model: randomModel({ seed: 2 }), ...own, draft })
    expectClose(both.placement, placement)
  })

  test('is of the memory that a process then has', async () => {
    if (!existsSync('/proc/self/statm')) return
    const own = { context: 4096, parallel: 8, threads: 1, cacheMiB: 0 }
    const { placement } = await estimate(largeRandomModel(), own)
    const before = process.memoryUsage.rss()
    const engine = await opened({ model: largeRandomModel(), ...own })
    await engine.complete('the fox', { maxTokens: 2 }).done
    const taken = process.memoryUsage.rss() - before
    // The KV cache is written at creation; weights and compute buffers as far as they are used.
    expect(taken).toBeGreaterThan(placement.host.kvBytes * 0.9)
    expect(taken).toBeLessThan((placement.host.kvBytes + placement.host.weightsBytes) * 1.5)
  })

  test('says what does not fit, where a load would refuse it', async () => {
    const own = { context: 2 ** 24, parallel: 64 }
    const expected = await estimate(largeRandomModel(), own)
    expect(expected.fits).toBe(false)
    expect(expected.context).toBe(2 ** 24)
    expect(expected.placement.host.kvBytes).toBeGreaterThan(2 ** 40)
    const refused = load({ model: largeRandomModel(), ...own })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
  })

  test('of more cells than any load may have does not fit, and is no error', async () => {
    const expected = await estimate(largeRandomModel(), { context: 2 ** 24, parallel: 256 })
    expect(expected).toMatchObject({ fits: false, context: 2 ** 24, parallel: 256 })
  })

  // Beyond 2^22 cells it is extrapolated.
  test.each(MODEL_KINDS)('of a %s model grows evenly with the context', async (kind) => {
    const host = async (context: number) => {
      const { placement } = await estimate(kindModel(kind), { parallel: 4, context })
      return placement.host
    }
    const [half, whole, beyond, twice] = [
      await host(2 ** 19),
      await host(2 ** 20),
      await host(2 ** 20 + 256),
      await host(2 ** 21),
    ]
    for (const part of ['kvBytes', 'computeBytes'] as const) {
      expect(beyond[part] / whole[part]).toBeCloseTo(1, 2)
      expect(twice[part] - whole[part]).toBeCloseTo(2 * (whole[part] - half[part]), -3)
    }
  })

  test('rejects as a load does', async () => {
    const codes = [
      [estimate('nowhere.gguf'), 'ERR_MODEL_NOT_FOUND'],
      [estimate(textFileAsModel()), 'ERR_MODEL_INVALID'],
      [estimate(truncatedGguf(randomModel(), 1000)), 'ERR_MODEL_INVALID'],
      [estimate(randomModel(), { gpu: 'cuda' }), 'ERR_GPU_UNAVAILABLE'],
      [estimate(randomModel(), { context: 1 }), 'ERR_INVALID_OPTION'],
      [estimate('', {}), 'ERR_INVALID_OPTION'],
    ] as const
    const found = await Promise.allSettled(codes.map(([one]) => one))
    const expected = codes.map(([, code]) => ({ status: 'rejected', reason: { code } }))
    expect(found).toMatchObject(expected)
  })

  test('is abandoned by its signal, before and while it is made', async () => {
    const aborted = estimate(randomModel(), { signal: AbortSignal.abort('late') })
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'late' })
    const controller = new AbortController()
    const running = estimate(largeRandomModel(), { signal: controller.signal })
    controller.abort('enough')
    await expect(running).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
  })
})
