import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import {
  type Engine,
  type EstimateOptions,
  estimate,
  type LoadOptions,
  load,
} from '../../../../src/index.js'
import { alignedBytes, readFuzzFile } from '../../../support/fuzz/gguf-fuzz.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import { kindModel, MODEL_KINDS } from '../../../support/models/model-kinds.js'
import { largeRandomModel, type RandomModelOptions } from '../../../support/models/random-model.js'

// What has no room is refused before it is made, whoever chose it. That much is free as the test
// says; native/test/memory/host-memory-test.cpp has the table.

// Its weights are f32, which no processor has in an order of its own: they stay where they are
// mapped.
const plainModel = (options: RandomModelOptions = {}) =>
  largeRandomModel({ weights: 'f32', ...options })

const mebibyte = 2 ** 20
const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-memory-'))

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

afterEach(() => {
  vi.restoreAllMocks()
})

function withFree(bytes: number): void {
  vi.spyOn(os, 'freemem').mockReturnValue(bytes)
  const hasIt: unknown = process.availableMemory // since Node 20.13
  if (hasIt) vi.spyOn(process, 'availableMemory').mockReturnValue(bytes)
}

/** What a load of it has to have room for: all but the weights, which are mapped. */
async function needOf(model: string, options: EstimateOptions): Promise<number> {
  const { placement } = await estimate(model, options)
  return placement.host.kvBytes + placement.host.computeBytes
}

async function codeOf(options: LoadOptions): Promise<string> {
  try {
    await (await load(options)).close()
    return 'loaded'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const many = { parallel: 256, threads: 1, cacheMiB: 0 }

describe('what does not fit in memory is refused, and what fits is not', () => {
  const situations: Record<string, [() => string, Omit<LoadOptions, 'model'>]> = {
    'a context that was chosen': [plainModel, many],
    'a context that was asked for': [plainModel, { context: 1024, parallel: 32 }],
    'shared cells': [plainModel, { kvCells: 32768, context: 512, parallel: 32 }],
    'another kvType': [plainModel, { ...many, kvType: 'q8_0' }],
    'a draft model': [plainModel, { context: 8192, parallel: 1, draft: plainModel() }],
    'an encoder': [encoderModel, { threads: 1 }],
    ...Object.fromEntries(
      MODEL_KINDS.map((kind) => [`a ${kind} model`, [() => kindModel(kind), many]]),
    ),
  }

  test.each(Object.entries(situations))('where the load is of %s', async (_, [file, options]) => {
    const model = file()
    // What is chosen hangs on what is free: as little as makes it the least.
    withFree(mebibyte)
    const need = await needOf(model, options)
    expect(need).toBeGreaterThan(mebibyte)
    expect(await estimate(model, options)).toMatchObject({ fits: false })
    expect(await codeOf({ model, ...options })).toBe('ERR_OUT_OF_MEMORY')
    if (file === encoderModel) return // of which is asked for more than it turns out to need
    withFree(Math.floor(need * 0.98))
    expect(await codeOf({ model, ...options })).toBe('ERR_OUT_OF_MEMORY')
    withFree(Math.ceil(need * 1.02))
    expect(await codeOf({ model, ...options })).toBe('loaded')
  })

  // ggml maps nothing that lies closer than 32 bytes: its weights are in memory of their own.
  test('a file that cannot be mapped needs room for its weights as well', async () => {
    const options = { context: 512, parallel: 1, threads: 1, cacheMiB: 0 }
    const model = path.join(folder, 'aligned-8.gguf')
    writeFileSync(model, alignedBytes(readFuzzFile(plainModel()), 8))
    withFree(2 ** 40)
    const { weightsBytes } = (await estimate(model, options)).placement.host
    const need = await needOf(model, options)
    expect(weightsBytes).toBeGreaterThan(need * 0.1)
    withFree(Math.ceil(need * 1.02))
    expect(await codeOf({ model, ...options })).toBe('ERR_OUT_OF_MEMORY')
    withFree(Math.floor((need + weightsBytes) * 0.98))
    expect(await codeOf({ model, ...options })).toBe('ERR_OUT_OF_MEMORY')
    withFree(Math.ceil((need + weightsBytes) * 1.02))
    expect(await codeOf({ model, ...options })).toBe('loaded')
  })

  test('the error says what is needed, what is free and what to do', async () => {
    withFree(8 * mebibyte)
    const mib = '\\d+ MiB'
    const needed = `KV cache and states need ${mib}(, .*)? and computing ${mib}, together ${mib}`
    await expect(load({ model: plainModel(), ...many })).rejects.toThrow(
      new RegExp(`${needed}, and 8 MiB of memory are free; lower parallel`),
    )
  })

  test("a container's limit counts", async () => {
    if (!process.availableMemory) return
    withFree(2 ** 40)
    vi.spyOn(process, 'availableMemory').mockReturnValue(8 * mebibyte)
    expect(await codeOf({ model: plainModel(), ...many })).toBe('ERR_OUT_OF_MEMORY')
  })
})

describe('engines of one process count on what the others leave', () => {
  const options = { context: 1024, parallel: 8, threads: 1, cacheMiB: 0 }
  const open: Engine[] = []

  afterEach(async () => {
    for (const engine of open.splice(0)) await engine.close()
  })

  async function opened(more: Partial<LoadOptions> = {}): Promise<Engine> {
    const engine = await load({ model: plainModel(), ...options, ...more })
    open.push(engine)
    return engine
  }

  /** The file of another model, as large. */
  function anotherModel(): string {
    return plainModel({ seed: 2 })
  }

  /** What the system would have to have free for two of them. */
  async function bothNeed(): Promise<number> {
    return 2 * (await needOf(plainModel(), options))
  }

  test('a second engine is refused where one has room, until the first is closed', async () => {
    withFree(Math.floor((await bothNeed()) * 0.98))
    const first = await opened()
    const words = /\d+ MiB of memory are free beside the \d+ MiB of this process's other engines/
    await expect(opened()).rejects.toThrow(words)
    await first.close()
    await opened()
  })

  test('a second engine loads where there is room for both', async () => {
    withFree(Math.ceil((await bothNeed()) * 1.02))
    await opened()
    await opened()
  })

  test('one of two engines that load at once is refused where there is room for one', async () => {
    withFree(Math.floor((await bothNeed()) * 0.98))
    const both = await Promise.allSettled([opened(), opened()])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test('one of two that load two files at once is refused, and not both, each time', async () => {
    const { weightsBytes } = (await estimate(plainModel(), options)).placement.host
    withFree(Math.floor((await bothNeed()) / 2 + weightsBytes / 2))
    for (let time = 0; time < 20; ++time) {
      const both = await Promise.allSettled([opened(), opened({ model: anotherModel() })])
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      for (const engine of open.splice(0)) await engine.close()
    }
  })

  test('states that an engine may keep count before it keeps any', async () => {
    const need = await bothNeed()
    withFree(Math.floor(need * 0.98) + 64 * mebibyte)
    const first = await opened({ cacheMiB: 64 })
    await expect(opened()).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
    await first.close()
    withFree(Math.ceil(need * 1.02) + 64 * mebibyte)
    await opened({ cacheMiB: 64 })
    await opened()
  })

  test('a bound for states beyond all memory leaves room for other engines', async () => {
    withFree(2 * (await bothNeed()))
    const first = await opened({ cacheMiB: 2 ** 20 })
    expect(first.settings.cacheMiB).toBe(2 ** 20)
    await opened()
  })

  test('weights of another file count, and those of the same file are shared', async () => {
    const { weightsBytes } = (await estimate(plainModel(), options)).placement.host
    const need = await bothNeed()
    withFree(Math.ceil(need * 1.02))
    await opened()
    expect(await codeOf({ model: anotherModel(), ...options })).toBe('ERR_OUT_OF_MEMORY')
    await opened()
    for (const engine of open.splice(0)) await engine.close()
    withFree(Math.ceil(need * 1.02 + weightsBytes))
    await opened()
    await opened({ model: anotherModel() })
  })

  // Which are mapped, or copied (with AMX), and never both.
  test('weights of q8_0 count once', async () => {
    const [one, other] = [largeRandomModel(), largeRandomModel({ seed: 2 })]
    const { weightsBytes } = (await estimate(one, options)).placement.host
    withFree(Math.ceil(2 * ((await needOf(one, options)) + weightsBytes) * 1.02))
    await opened({ model: one })
    await opened({ model: other })
  })

  test('context, cache and estimate go by what is left', async () => {
    withFree(1024 * mebibyte)
    const chosen = { model: anotherModel(), parallel: 16, threads: 1 }
    const alone = await load(chosen)
    await alone.close()
    await opened({ cacheMiB: 400 })
    const expected = await estimate(chosen.model, { parallel: 16 })
    const second = await load(chosen)
    open.push(second)
    expect(expected.freeBytes).toBeLessThan(600 * mebibyte)
    expect(alone.settings).toMatchObject({ context: 1280, cacheMiB: 128 })
    expect(second.settings.context).toBe(expected.context)
    expect(second.settings.context).toBeLessThan(alone.settings.context)
    expect(second.settings.cacheMiB).toBe(Math.floor(expected.freeBytes / 8 / mebibyte))
  })

  test('the estimate of a file that is open is what its load settles on', async () => {
    const model = plainModel()
    withFree(256 * mebibyte)
    await opened()
    const expected = await estimate(model, { parallel: 1 })
    const second = await load({ model, parallel: 1, threads: 1, cacheMiB: 0 })
    await second.close()
    expect(second.settings.context).toBeGreaterThan(512)
    expect(second.settings.context).toBeLessThan(8192)
    expect(expected).toMatchObject({ context: second.settings.context, fits: true })
    const { totalBytes, placement } = await estimate(model, options)
    const others = placement.host.kvBytes + placement.host.computeBytes
    for (const engine of open.splice(0)) await engine.close()
    withFree(Math.ceil((totalBytes + others) * 1.02))
    await opened()
    expect(await estimate(model, options)).toMatchObject({ fits: true })
    withFree(Math.floor((totalBytes + others) * 0.98))
    for (const engine of open.splice(0)) await engine.close()
    await opened()
    expect(await estimate(model, options)).toMatchObject({ fits: false })
  })

  test('weights that one engine has copied are there for the next', async () => {
    const model = path.join(folder, 'copied.gguf')
    writeFileSync(model, alignedBytes(readFuzzFile(plainModel()), 8))
    const { weightsBytes } = (await estimate(model, options)).placement.host
    const need = await needOf(model, options)
    for (const [share, expected] of [
      [1.02, 'loaded'],
      [0.98, 'ERR_OUT_OF_MEMORY'],
    ] as const) {
      withFree((2 * need + weightsBytes) * share)
      await opened({ model })
      // What the first has taken is free no longer.
      withFree((2 * need + weightsBytes) * share - need - weightsBytes)
      expect(await codeOf({ model, ...options })).toBe(expected)
      for (const engine of open.splice(0)) await engine.close()
    }
  })

  test('a load that fails or is given up leaves nothing behind', async () => {
    withFree(512 * mebibyte)
    const model = plainModel()
    const cut = path.join(folder, 'cut.gguf')
    writeFileSync(cut, readFileSync(model).subarray(0, 4096))
    const left = async () => (await estimate(model)).freeBytes
    expect(await codeOf({ ...options, model: cut })).toBe('ERR_MODEL_INVALID')
    expect(await left()).toBe(512 * mebibyte)
    expect(await codeOf({ ...options, model, parallel: 64 })).toBe('ERR_OUT_OF_MEMORY')
    expect(await left()).toBe(512 * mebibyte)
    const stop = new AbortController()
    const onProgress = () => stop.abort()
    expect(await codeOf({ ...options, model, onProgress, signal: stop.signal })).toBe(
      'ERR_CANCELLED',
    )
    expect(await left()).toBe(512 * mebibyte)
  })
})
