import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { estimate, load } from '../../src/index.js'
import { settle } from '../support/eventually.js'
import { FakeAddon } from '../support/fake-binding.js'
import { chosenCacheBytes } from '../support/fake-engine.js'

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]

describe('load', () => {
  afterEach(() => useBinding(undefined))

  test('tells the model’s name and what was settled on', async () => {
    useBinding(new FakeAddon())
    const engine = await load({ model: '/models/Small.GGUF', parallel: 2 })
    expect(engine.model.id).toBe('Small')
    expect(engine.settings).toMatchObject({
      parallel: 2,
      window: 64,
      queue: 64,
      queueDeadlineMs: 60_000,
      kvType: 'f16',
      kvCells: 0,
    })
    await engine.close()
  })

  test('hands over how to draft, paths from the root, and tells it', async () => {
    const addon = new FakeAddon()
    useBinding(addon)
    const drafting = await load({ model: 'm.gguf', draft: 'models/d.gguf', draftMax: 3 })
    expect(addon.engine.options).toMatchObject({ draft: path.resolve('models/d.gguf') })
    expect(drafting.settings).toMatchObject({ draft: path.resolve('models/d.gguf'), draftMax: 3 })
    const plain = await load({ model: 'm.gguf' })
    expect(addon.engine.options).toMatchObject({ draft: '', lookup: false, draftMax: 0 })
    expect(plain.settings).toMatchObject({ draft: null, lookup: false, mtp: false })
    const byHeads = await load({ model: 'm.gguf', mtp: true })
    expect(addon.engine.options).toMatchObject({ draft: '', lookup: false, mtp: true })
    expect(byHeads.settings).toMatchObject({ draft: null, lookup: false, mtp: true })
    await Promise.all([drafting.close(), plain.close(), byHeads.close()])
  })

  test('the engine chooses the memory that kept states may take, unless it is said', async () => {
    const addon = new FakeAddon()
    useBinding(addon)
    const [byItself, none, some] = [
      await load({ model: 'a.gguf' }),
      await load({ model: 'a.gguf', cacheMiB: 0 }),
      await load({ model: 'a.gguf', cacheMiB: 3, kvCells: 4096 }),
    ]
    const options = addon.engines.map((one) => one.options)
    expect(byItself.settings.cacheMiB).toBe(chosenCacheBytes / 2 ** 20)
    expect(options).toMatchObject([
      { cacheBytes: -1, kvCells: 0 },
      { cacheBytes: 0, kvCells: 0 },
      { cacheBytes: 3 * 2 ** 20, kvCells: 4096 },
    ])
    expect(some.settings).toMatchObject({ cacheMiB: 3, kvCells: 4096 })
    await Promise.all([byItself.close(), none.close(), some.close()])
  })

  test('hands over where to compute, and reports where it does', async () => {
    const addon = new FakeAddon()
    useBinding(addon)
    const plain = await load({ model: 'a.gguf' })
    const open = { gpu: 'auto', gpuLayers: -1, splitMode: 'auto', mainGpu: -1, tensorSplit: [] }
    expect(addon.engine.options).toMatchObject({ ...open, flashAttention: 'auto' })
    expect(plain.settings).toMatchObject({ gpu: false, gpuLayers: 0, flashAttention: 'auto' })
    expect(plain.placement).toMatchObject({ gpu: false, devices: [], host: { kvBytes: 2e6 } })
    const off = await load({ model: 'a.gguf', gpu: false, flashAttention: false })
    expect(addon.engine.options).toMatchObject({ gpu: 'off', flashAttention: 'off' })
    const own = { gpu: 'cuda', gpuLayers: 9, splitMode: 'layer', tensorSplit: [3, 1] } as const
    const shared = await load({ model: 'a.gguf', ...own, flashAttention: true })
    expect(addon.engine.options).toMatchObject({ ...own, flashAttention: 'on' })
    await Promise.all([plain.close(), off.close(), shared.close()])
  })

  test('tells warnings to onWarning before it resolves, and keeps them', async () => {
    const warnings = [{ code: 'WARN_GPU_FAILED' as const, message: 'no driver' }]
    useBinding(new FakeAddon({ model: { warnings } }))
    const told: unknown[] = []
    const engine = await load({ model: 'a.gguf', onWarning: (one) => told.push(one) })
    expect(told).toEqual(warnings)
    expect(engine.warnings).toEqual(warnings)
    await engine.close()
  })

  test('is aborted by a listener that is told a warning', async () => {
    const warnings = [{ code: 'WARN_GPU_PARTIAL' as const, message: '3 of 7 layers fit' }]
    useBinding(new FakeAddon({ model: { warnings } }))
    const controller = new AbortController()
    const { signal } = controller
    const onWarning = () => controller.abort('too slow')
    const loading = load({ model: 'a.gguf', signal, onWarning })
    await expect(loading).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'too slow' })
  })

  test.each([load, (options: { model: string }) => estimate(options.model)])(
    'rejects, as an estimate does, without a thread for the engine (%#)',
    async (start) => {
      const addon = new FakeAddon()
      const none = class {
        constructor() {
          throw new Error('Resource temporarily unavailable')
        }
      }
      useBinding(Object.assign(addon, { Engine: none }) as unknown as FakeAddon)
      await expect(start({ model: 'a.gguf' })).rejects.toMatchObject({
        code: 'ERR_ENGINE_FAILED',
        message: expect.stringContaining('Resource temporarily unavailable'),
      })
    },
  )

  test('tells Node of a warning once where there is no listener', async () => {
    const warnings = [{ code: 'WARN_GPU_PARTIAL' as const, message: '3 of 7 layers fit' }]
    useBinding(new FakeAddon({ model: { warnings } }))
    const told: NodeJS.ErrnoException[] = []
    const listener = (one: NodeJS.ErrnoException) => told.push(one)
    process.on('warning', listener)
    for (const name of ['a.gguf', 'b.gguf']) await (await load({ model: name })).close()
    await settle()
    process.off('warning', listener)
    const own = { name: 'SluiceWarning', code: 'WARN_GPU_PARTIAL', message: '3 of 7 layers fit' }
    expect(told).toMatchObject([own])
  })

  test('rejects with what the engine says, by class and code', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    const loading = load({ model: 'a.gguf' })
    await settle()
    addon.engine.failLoad({ code: 'ERR_MODEL_INVALID', message: 'not a model' })
    await expect(loading).rejects.toMatchObject({
      name: 'ModelInvalidError',
      code: 'ERR_MODEL_INVALID',
      message: 'not a model',
    })
  })

  test('is aborted by its signal', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    const controller = new AbortController()
    const loading = load({ model: 'a.gguf', signal: controller.signal })
    await settle()
    controller.abort('enough')
    await expect(loading).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
  })

  test('refuses wrong options by name, before anything is loaded', async () => {
    const addon = new FakeAddon()
    useBinding(addon)
    const wrong = load({ model: 'a.gguf', parallel: 1.5 })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'parallel' })
    expect(addon.engines).toHaveLength(0)
  })
})

describe('estimate', () => {
  afterEach(() => useBinding(undefined))

  test('asks the engine what a load would come to, and loads nothing', async () => {
    const addon = new FakeAddon()
    useBinding(addon)
    const found = await estimate('models/Small.gguf', { parallel: 2, kvType: 'q8_0' })
    expect(addon.engine.options).toMatchObject({
      model: path.resolve('models/Small.gguf'),
      estimatesOnly: true,
      parallel: 2,
    })
    expect(found).toMatchObject({ parallel: 2, context: 2048, kvType: 'q8_0', fits: true })
    expect(found.totalBytes).toBe(7_000_000)
    await settle()
    expect(addon.engine.isReferenced).toBe(false)
  })

  test('rejects with what the engine says', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    const running = estimate('a.gguf')
    await settle()
    addon.engine.failLoad({ code: 'ERR_GPU_UNAVAILABLE', message: 'no such device' })
    await expect(running).rejects.toMatchObject({
      name: 'GpuUnavailableError',
      code: 'ERR_GPU_UNAVAILABLE',
    })
  })

  test('is abandoned by its signal', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    const controller = new AbortController()
    const running = estimate('a.gguf', { signal: controller.signal })
    await settle()
    controller.abort('enough')
    await expect(running).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
  })

  test('refuses wrong options by name, and those of a load alone', async () => {
    useBinding(new FakeAddon())
    const option = { code: 'ERR_INVALID_OPTION' }
    await expect(estimate('')).rejects.toMatchObject({ ...option, option: 'file' })
    await expect(estimate('a.gguf', { parallel: 0 })).rejects.toMatchObject(option)
    const loads = { onProgress: () => undefined } as object
    await expect(estimate('a.gguf', loads)).rejects.toMatchObject({ option: 'onProgress' })
  })
})

describe('an engine', () => {
  afterEach(() => useBinding(undefined))

  test('keeps the process alive only while something waits for it', async () => {
    const addon = new FakeAddon({ pace: 'manual' })
    useBinding(addon)
    const engine = await load({ model: 'a.gguf' })
    expect(addon.engine.isReferenced).toBe(false)
    const reply = engine.chat(ask)
    expect(addon.engine.isReferenced).toBe(true)
    reply.cancel()
    await settle()
    addon.engine.step()
    await reply.done
    expect(addon.engine.isReferenced).toBe(false)
    await engine.close()
  })

  test('prefers a request’s sampling, then its own, the model’s, OpenAI’s', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    const loading = load({ model: 'a.gguf', sampling: { topK: 7, temperature: 0.3 } })
    await settle()
    addon.engine.ready({ sampling: { topK: 40, topP: 0.9, temperature: 0.8 } })
    const engine = await loading
    await engine.chat(ask, { temperature: 0, seed: 2 ** 32 + 5 }).done
    expect(addon.engine.submitted[0]).toMatchObject({
      temperature: 0,
      topK: 7,
      topP: 0.9,
      minP: 0,
      repeatPenalty: 1,
      seed: 5,
      maxTokens: -1,
    })
    await engine.close()
  })

  test('leaves out what a file recommends beyond all reason', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    const loading = load({ model: 'a.gguf' })
    await settle()
    addon.engine.ready({ sampling: { temperature: Number.NaN, repeatPenalty: 0, topK: 5 } })
    const engine = await loading
    await engine.chat(ask).done
    expect(addon.engine.submitted[0]).toMatchObject({ temperature: 1, repeatPenalty: 1, topK: 5 })
    await engine.close()
  })

  test('is not kept alive by a reply without a reader', async () => {
    const addon = new FakeAddon({ script: () => ({ tokens: 'abcdefghijkl' }) })
    useBinding(addon)
    const engine = await load({ model: 'a.gguf', window: 4 })
    const reply = engine.chat(ask)
    await settle(50)
    expect(addon.engine.isReferenced).toBe(false)
    const text = reply.text()
    await settle(1)
    expect(await text).toBe('abcdefghijkl')
    expect(addon.engine.isReferenced).toBe(false)
    await engine.close()
  })

  test('draws a seed that llama.cpp does not take for "draw one"', async () => {
    const addon = new FakeAddon()
    useBinding(addon)
    const engine = await load({ model: 'a.gguf' })
    for (const seed of [-1, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      const reply = engine.chat(ask, { seed })
      expect(reply.seed).toBeGreaterThanOrEqual(0)
      expect(reply.seed).toBeLessThan(2 ** 32 - 1)
      expect(Number.isInteger(reply.seed)).toBe(true)
      await reply.done
    }
    await engine.close()
  })

  test('refuses what does not fit its queue with ERR_OVERLOADED', async () => {
    useBinding(new FakeAddon({ pace: 'manual' }))
    const engine = await load({ model: 'a.gguf', parallel: 1, queue: 1 })
    const replies = [engine.chat(ask), engine.chat(ask), engine.chat(ask)]
    await expect(replies[2]?.accepted).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    expect(engine.stats().started).toBe(2)
    await engine.close()
  })

  test('is closed once, however often it is asked', async () => {
    useBinding(new FakeAddon())
    const engine = await load({ model: 'a.gguf' })
    expect(engine.closed).toBe(false)
    await Promise.all([engine.close(), engine.close(), engine[Symbol.asyncDispose]()])
    expect(engine.closed).toBe(true)
  })
})
