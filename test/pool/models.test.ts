import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { LoadOptions } from '../../src/api/types.js'
import { useBinding } from '../../src/binding/binding.js'
import { GgufSource } from '../../src/pool/gguf-source.js'
import { isModels, type Models, models } from '../../src/pool/models.js'
import { eventually } from '../support/eventually.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'

// models() over made-up engines: what a program says, and what load() and estimate() get of it.

const pools: Models[] = []

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close()
  useBinding(undefined)
})

function made(options: Parameters<typeof models>[0], fake: FakeOptions = {}) {
  const addon = new FakeAddon(fake)
  useBinding(addon)
  const pool = models(options)
  pools.push(pool)
  return { addon, pool }
}

const two = { models: { a: { model: 'a.gguf' }, b: { model: 'b.gguf', aliases: ['bee'] } } }

describe('use()', () => {
  test('hands over the engine of a name, an alias or the default', async () => {
    const { pool } = made({ ...two, default: 'b' })
    const ids = ['a', 'b', 'bee', 'default', undefined].map((name) =>
      pool.use(name, ({ model }) => model.id),
    )
    expect(await Promise.all(ids)).toEqual(['a', 'b', 'b', 'b', 'b'])
  })

  test('keeps the model loaded until what it was given has settled', async () => {
    const { pool } = made(two)
    let end: () => void = () => undefined
    const used = pool.use('a', () => new Promise<void>((resolve) => (end = resolve)))
    await eventually(() => pool.list()[0]?.inUse === 1)
    end()
    await used
    expect(pool.list()[0]?.inUse).toBe(0)
    await expect(pool.use('a', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    expect(pool.list()[0]?.inUse).toBe(0)
  })

  test('rejects for a name that is not there, and by its signal', async () => {
    const { pool } = made(two)
    await expect(pool.use('c', () => 1)).rejects.toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' })
    const signal = AbortSignal.abort(new Error('left'))
    await expect(pool.use('a', () => 1, { signal })).rejects.toThrow('left')
  })
})

test('a model may be called by digits alone, where the default is said or the only one', () => {
  const several = made({ models: { a: {}, 7: {} }, default: 'a' })
  expect([several.pool.default, several.pool.nameOf('7')]).toEqual(['a', '7'])
  expect(made({ models: { 7: {} } }).pool.default).toBe('7')
  expect(made({ models: { '007': {}, a: {} } }).pool.default).toBe('007') // which keeps its place
})

describe('what is loaded', () => {
  test('has the context and the cache that were settled before, each time', async () => {
    const { addon, pool } = made({ ...two, memoryMiB: 1600 })
    for (const name of ['a', 'a']) {
      await pool.load(name)
      await pool.unload(name)
    }
    const loads = addon.engines.filter(({ options }) => !options.estimatesOnly)
    expect(loads.map(({ options }) => options.context)).toEqual([2048, 2048])
    expect(loads.map(({ options }) => options.cacheBytes)).toEqual([100 * 2 ** 20, 100 * 2 ** 20])
  })

  test('counts with its cache, and not with one where it embeds', async () => {
    const sized = { ...two, memoryMiB: 1600 }
    const { pool } = made(sized)
    await pool.load('a')
    const embeds = made(sized, { embedding: { size: 4, pooling: 'mean' } })
    await embeds.pool.load('a')
    const [writer = 0, vectors = 0] = [pool, embeds.pool].map((one) => one.list()[0]?.bytes ?? 0)
    expect(writer - vectors).toBe(100 * 2 ** 20)
  })

  test('shares weights with another of the same file that is placed in the same way', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-models-'))
    const model = join(folder, 'a.gguf')
    writeFileSync(model, 'one')
    const own = { context: 512, cacheMiB: 0 }
    const { pool } = made({
      models: {
        a: { model, ...own },
        same: { model, ...own, context: 256 },
        layers: { model, ...own, gpuLayers: 1 },
        gpu: { model, ...own, gpu: false },
        heads: { model, ...own, mtp: true },
        replaced: { model, ...own },
      },
    })
    const weights = 4_000_000 // of a fake
    const others = async (name: string) => {
      const before = pool.pool.bytes
      await pool.load(name)
      const bytes = pool.list().find((one) => one.name === name)?.bytes ?? 0
      return bytes - (pool.pool.bytes - before)
    }
    try {
      expect(await others('a')).toBe(0)
      expect(await others('same')).toBe(weights)
      for (const name of ['layers', 'gpu', 'heads']) expect(await others(name)).toBe(0)
      writeFileSync(model, 'another')
      expect(await others('replaced')).toBe(0)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('shares no weights where its engine has a process of its own', async () => {
    useBinding(new FakeAddon())
    const told = { onWarning: () => undefined, onCrash: () => undefined }
    const keyOf = async (name: string, options: LoadOptions) => {
      const share = { budgetBytes: 2 ** 40, cacheMiB: 0 }
      const source = new GgufSource(name, { model: 'a.gguf', ...options }, share, told)
      return (await source.measure(new AbortController().signal)).file
    }
    expect(await keyOf('a', {})).toBe(await keyOf('b', {}))
    const isolation = 'process' as const
    expect(await keyOf('a', { isolation })).not.toBe(await keyOf('b', { isolation }))
    expect(await keyOf('a', { isolation })).not.toBe(await keyOf('b', {}))
  })

  test('is told of by known(), first by its estimate', async () => {
    const { pool } = made(two)
    expect(pool.known('a')).toBeUndefined()
    pool.pool.survey()
    await eventually(() => pool.known('a') !== undefined)
    expect(pool.known('a')).toMatchObject({ context: 2048, model: { parameters: 1_000_000 } })
    expect(pool.known('a')?.model.canCallTools).toBe(true)
    await pool.load('a')
    expect(pool.known('a')?.model.canCallTools).toBe(true)
  })
})

test('a failure that nobody listens for is a process warning', async () => {
  const { pool, addon } = made(two, { load: 'estimated' })
  const warned = new Promise<Error & { code?: string }>((resolve) => {
    process.once('warning', resolve)
  })
  const loading = pool.load('a').catch((error: { code?: string }) => error.code)
  await eventually(() => addon.engines.some(({ options }) => !options.estimatesOnly))
  addon.engine.failLoad({ code: 'ERR_MODEL_INVALID', message: 'it is broken' })
  expect(await loading).toBe('ERR_MODEL_INVALID')
  expect(await warned).toMatchObject({ code: 'SLUICE_MODEL' })
})

test.each([
  [{}, /'models'/],
  [{ models: {} }, /'models'.*1 to 1024/],
  [{ models: { a: { modl: 'x' } } }, /'models\.a\.modl'/],
  [{ models: { a: { context: 1 } } }, /'models\.a\.context'/],
  [{ models: { a: { draft: 'd', lookup: true } } }, /'models\.a\.lookup'/],
  [{ models: { default: {} } }, /'default' once more/],
  [{ models: { a: {}, b: { aliases: ['a'] } } }, /'a' once more/],
  [{ models: { a: {} }, default: 'b' }, /'default'.*one of a/],
  [{ models: { a: {} }, memory: 1 }, /memoryMiB/],
  [{ models: { a: {}, 7: {} } }, /'default'.*digits alone/],
])('options that are wrong are refused by their place: %j', (options, message) => {
  useBinding(new FakeAddon())
  expect(() => models(options as never)).toThrow(message)
})

test('models are known by what they do, and an engine is none', async () => {
  const { pool } = made(two)
  expect(isModels(pool)).toBe(true)
  await pool.use('a', (engine) => expect(isModels(engine)).toBe(false))
})
