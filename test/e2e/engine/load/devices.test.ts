import { describe, expect, test } from 'vitest'
import {
  atOnceOnMachine,
  type Job,
  onMachine,
  onOneMachine,
} from '../../../support/made-up-machine.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import { kindModel, MODEL_KINDS } from '../../../support/models/model-kinds.js'
import { largeRandomModel } from '../../../support/models/random-model.js'

// The real engine on machines whose GPUs are made up (native/llama/test/devices): what is decided,
// told and put where is as on real ones; who computes is the CPU. About 17 MB of weights, 53 MB of
// KV cache and 12 MB of compute buffers, beside 32 MB that are left free of a device.

const model = largeRandomModel()
const options = { model, context: 2048, kvType: 'q8_0', threads: 1 } as const
const job: Job = { options }
const alone = async () => (await onOneMachine('', job)).text

describe.skipIf(process.platform !== 'linux')('a load', () => {
  test('goes to a GPU that holds all, as estimated, and the text is the CPU’s', async () => {
    const { placement, settings, told, expected, text } = await onOneMachine('CUDA:gpu:300', job)
    expect(told).toEqual([])
    expect(settings).toMatchObject({ gpu: 'cuda', gpuLayers: 7, context: 2048 })
    expect(placement).toMatchObject({ gpu: 'cuda', gpuLayers: 7, layers: 7 })
    expect(placement.devices).toMatchObject([
      { name: 'CUDA0', kind: 'gpu', totalBytes: 300 * 2 ** 20 },
    ])
    expect(placement.devices[0]?.kvBytes).toBeGreaterThan(50e6)
    expect(placement.host.kvBytes).toBe(0)
    expect(expected.placement).toEqual(placement)
    expect(expected.fits).toBe(true)
    expect(text).toBe(await alone())
  })

  test('puts as many layers as fit on a GPU that is too small, and warns of it', async () => {
    const { placement, told, expected, text } = await onOneMachine('CUDA:gpu:90', job)
    expect(told).toEqual(['WARN_GPU_PARTIAL'])
    expect(placement.gpuLayers).toBeGreaterThan(0)
    expect(placement.gpuLayers).toBeLessThan(7)
    expect(placement.devices[0]?.weightsBytes).toBeGreaterThan(0)
    expect(placement.host.kvBytes).toBeGreaterThan(0)
    expect(expected.placement).toEqual(placement)
    expect(expected.warnings).toMatchObject([{ code: 'WARN_GPU_PARTIAL' }])
    expect(text).toBe(await alone())
  })

  test('is refused where one that was planned at the same time leaves too little', async () => {
    const part = { options: { ...options, gpuLayers: 1, cacheMiB: 0 } }
    const { host } = (await onOneMachine('CUDA:gpu:300', part)).placement
    const need = host.kvBytes + host.computeBytes
    expect(need).toBeGreaterThan(10e6)
    const outcomesAt = async (freeBytes: number) => {
      const outcomes = await atOnceOnMachine('CUDA:gpu:300', [part, part], Math.floor(freeBytes))
      return outcomes.map(({ code, placement }) => code ?? placement.gpuLayers).sort()
    }
    // Here the weights are copied: the second's plan has room for its own, its load needs none.
    expect(await outcomesAt(2.04 * (need + host.weightsBytes))).toEqual([1, 1])
    expect(await outcomesAt(1.96 * need + host.weightsBytes)).toEqual([1, 'ERR_OUT_OF_MEMORY'])
  })

  test('shortens a context that was not asked for, so that all layers fit', async () => {
    const open = { options: { ...options, context: undefined } as unknown as Job['options'] }
    const { settings, told } = await onOneMachine('CUDA:gpu:180', open)
    expect(told).toEqual(['WARN_CONTEXT_REDUCED'])
    expect(settings).toMatchObject({ gpuLayers: 7, context: 4096 })
  })

  test('takes one of two GPUs where that is enough, else both', async () => {
    const one = await onOneMachine('CUDA:gpu:150,CUDA:gpu:200', job)
    expect(one.placement.devices).toMatchObject([{ name: 'CUDA1' }])
    const both = await onOneMachine('CUDA:gpu:100,CUDA:gpu:100', job)
    expect(both.placement.devices).toMatchObject([{ name: 'CUDA0' }, { name: 'CUDA1' }])
    expect(both.placement.devices.every(({ weightsBytes }) => weightsBytes > 1e6)).toBe(true)
    expect([one.text, both.text]).toEqual([await alone(), await alone()])
  })

  test('shares layers as tensorSplit says, and takes the GPU that mainGpu names', async () => {
    const two = 'CUDA:gpu:300,CUDA:gpu:300'
    const [shared, main, wrong] = await onMachine(two, [
      { options: { ...options, tensorSplit: [5, 1] } },
      { options: { ...options, mainGpu: 0 } },
      { options: { ...options, mainGpu: 2 } },
    ])
    const [large = 0, small = 0] = shared?.placement.devices.map((one) => one.weightsBytes) ?? []
    expect(large).toBeGreaterThan(3 * small)
    expect(main?.placement.devices).toMatchObject([{ name: 'CUDA0' }])
    expect(wrong).toMatchObject({ code: 'ERR_GPU_UNAVAILABLE' })
  })

  test('leaves a GPU alone that has no share', async () => {
    const options_ = (tensorSplit: number[]) => ({ options: { ...options, tensorSplit } })
    const jobs = [options_([0, 1]), options_([1]), options_([0, 1, 3])]
    const outcomes = await onMachine('CUDA:gpu:300,CUDA:gpu:300,CUDA:gpu:300', jobs)
    const names = outcomes.map(({ placement }) => placement.devices.map(({ name }) => name))
    expect(names).toEqual([['CUDA1'], ['CUDA0'], ['CUDA1', 'CUDA2']])
    const [few = 0, many = 0] = outcomes[2]?.placement.devices.map((one) => one.weightsBytes) ?? []
    expect(many).toBeGreaterThan(1.5 * few)
  })

  test('reports no GPU that came away with nothing', async () => {
    const one = { options: { ...options, gpuLayers: 1, splitMode: 'layer' as const } }
    const { placement, expected } = await onOneMachine('CUDA:gpu:300,CUDA:gpu:300', one)
    expect(placement.devices).toMatchObject([{ name: 'CUDA0' }])
    expect(expected.placement).toEqual(placement)
  })

  test('counts GPUs as doctor lists them, the broken ones too', async () => {
    const [second, first] = await onMachine('CUDA:gpu:300:start,CUDA:gpu:300', [
      { options: { ...options, mainGpu: 1 } },
      { options: { ...options, mainGpu: 0 } },
    ])
    expect(second?.placement.devices).toMatchObject([{ name: 'CUDA1' }])
    expect(first).toMatchObject({ code: 'ERR_GPU_UNAVAILABLE' })
    expect(first?.message).toContain('mainGpu 0 names CUDA0')
  })

  test('shares no weights with an engine whose shares are others, however small', async () => {
    const options_ = (tensorSplit: number[]) => ({ options: { ...options, tensorSplit } })
    const jobs = [options_([1e-7, 5e-7]), options_([5e-7, 1e-7])]
    const outcomes = await onMachine('CUDA:gpu:300,CUDA:gpu:300', jobs)
    const weights = outcomes.map(({ placement }) =>
      placement.devices.map((one) => one.weightsBytes),
    )
    expect(weights[0]?.[0]).toBeLessThan(weights[0]?.[1] ?? 0)
    expect(weights[1]?.[0]).toBeGreaterThan(weights[1]?.[1] ?? 0)
  })

  test('prefers CUDA to Vulkan, and an integrated GPU to none', async () => {
    const both = await onOneMachine('Vulkan:gpu:300,CUDA:gpu:300', job)
    expect(both.placement.gpu).toBe('cuda')
    const named = { options: { ...options, gpu: 'vulkan' as const } }
    const vulkan = await onOneMachine('Vulkan:gpu:300,CUDA:gpu:300', named)
    expect(vulkan.placement.gpu).toBe('vulkan')
    const own = await onOneMachine('Vulkan:integrated:300', job)
    expect(own.placement.devices).toMatchObject([{ name: 'Vulkan0', kind: 'integrated' }])
  })

  test.each([
    ['does not start', 'start'],
    ['does not say its memory', 'silent'],
  ])('goes on with the CPU and a warning where the GPU %s', async (_, fault) => {
    const { told, placement, text } = await onOneMachine(`CUDA:gpu:300:${fault}`, job)
    expect(told).toEqual(['WARN_GPU_FAILED'])
    expect(placement).toMatchObject({ gpu: false, gpuLayers: 0, devices: [] })
    expect(text).toBe(await alone())
  })

  test.each([
    ['weights', 10],
    ['the KV cache', 30],
  ])('goes on with the CPU where there turns out to be no room for %s', async (_, mib) => {
    const machine = `CUDA:gpu:${mib}:lies`
    const { told, placement, expected, text } = await onOneMachine(machine, job)
    expect(expected.placement.gpu).toBe('cuda')
    expect(told).toEqual(['WARN_GPU_FAILED'])
    expect(placement.gpu).toBe(false)
    expect(text).not.toBe('')
  })

  test('fails where a GPU that is named is missing, broken or too small', async () => {
    const named = { options: { ...options, gpu: 'cuda' as const } }
    expect(await onOneMachine('', named)).toMatchObject({
      code: 'ERR_GPU_UNAVAILABLE',
      message: expect.stringContaining('npx sluice build --cuda'),
    })
    expect(await onOneMachine('CUDA:gpu:300:start', named)).toMatchObject({
      code: 'ERR_GPU_UNAVAILABLE',
    })
    expect(await onOneMachine('CUDA:gpu:32', named)).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
    expect(await onOneMachine('CUDA:gpu:30:lies', named)).toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
    })
    const advice =
      /^the weights could not be put on the GPU: .*; lower gpuLayers, or free its memory/s
    expect(await onOneMachine('CUDA:gpu:16:lies', named)).toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
      message: expect.stringMatching(advice),
    })
  })

  test('touches no device with gpu false, or no layers, and is as without one', async () => {
    const asked = [
      { gpu: false as const },
      { gpuLayers: 0 },
      { gpu: 'cuda' as const, gpuLayers: 0 },
    ]
    const jobs = asked.map((own) => ({
      options: { model, context: 2048, kvType: 'q8_0' as const, ...own },
    }))
    const outcomes = await onMachine('CUDA:gpu:300:untouchable', jobs)
    const plain = await onOneMachine('', jobs[0] as Job)
    for (const { settings, placement, told, text } of outcomes) {
      expect(settings).toEqual({ ...plain.settings, cacheMiB: settings.cacheMiB })
      expect({ placement, told, text }).toEqual({
        placement: plain.placement,
        told: [],
        text: plain.text,
      })
    }
  })

  test('by doctor touches no device with gpu false, and lists all of them without', async () => {
    const off = { options: { model, gpu: false as const }, doctor: true }
    const { report } = await onOneMachine('CUDA:gpu:300:untouchable', off)
    expect(report?.devices).toMatchObject([
      { name: 'CPU', totalBytes: report?.memory.totalBytes },
      { name: 'CUDA0', totalBytes: 0, freeBytes: 0 },
    ])
    expect(report?.model).toMatchObject({ placement: { gpu: false }, fits: true })
    const all = await onOneMachine('CUDA:gpu:300,CUDA:gpu:100:start', { ...job, doctor: true })
    expect(all.report?.devices).toMatchObject([
      { name: 'CPU' },
      { name: 'CUDA0', totalBytes: 300 * 2 ** 20 },
      { name: 'CUDA1', fault: expect.any(String) },
    ])
    expect(all.report?.model).toMatchObject({ placement: { gpu: 'cuda' }, fits: true })
  })

  test('is refused for a KV cache without room beside a GPU that is not used too', async () => {
    const huge = { ...options, parallel: 256, context: 262_144 }
    const outcomes = await onMachine('CUDA:gpu:300', [
      { options: { ...huge, gpu: false } },
      { options: { ...huge, gpuLayers: 7 } },
      { options: { ...huge, gpu: 'cuda', gpuLayers: 3 } },
    ])
    const refused = { code: 'ERR_OUT_OF_MEMORY', told: [] }
    expect(outcomes).toMatchObject(new Array(3).fill(refused))
  })

  test('is refused for more cells than there are numbers for, whatever one takes', async () => {
    const state = { model: kindModel('recurrent'), threads: 1 }
    const [outcome] = await onMachine('CUDA:gpu:300', [
      { options: { ...state, parallel: 256, context: 2 ** 24 } },
    ])
    expect(outcome).toMatchObject({ code: 'ERR_OUT_OF_MEMORY' })
  })

  test('shares no weights with an engine that is placed otherwise, and answers alike', async () => {
    const [onGpu, onCpu, half] = await onMachine('CUDA:gpu:300', [
      job,
      { options: { ...options, gpu: false } },
      { options: { ...options, gpuLayers: 3 } },
    ])
    expect(onGpu?.placement.devices[0]?.weightsBytes).toBeGreaterThan(16e6)
    expect(onCpu?.placement.host.weightsBytes).toBeGreaterThan(16e6)
    expect(half?.placement).toMatchObject({ gpuLayers: 3, layers: 7 })
    expect([onGpu?.text, onCpu?.text, half?.text]).toEqual(new Array(3).fill(await alone()))
  })

  test('tries the layers that are asked for where they may not fit, with a warning', async () => {
    const seven = { options: { ...options, gpuLayers: 7 } }
    const { told, placement } = await onOneMachine('CUDA:gpu:100', seven)
    expect(told).toEqual(['WARN_GPU_MEMORY'])
    expect(placement.gpuLayers).toBe(7)
  })
})

describe.skipIf(process.platform !== 'linux')('on a GPU', () => {
  test.each(MODEL_KINDS)('a %s model answers as on the CPU', async (kind) => {
    const own = { options: { model: kindModel(kind), kvType: 'q8_0' as const, context: 512 } }
    const [onGpu, onCpu] = await onMachine('CUDA:gpu:500', [
      own,
      { options: { ...own.options, gpu: false } },
    ])
    expect(onGpu?.placement).toMatchObject({ gpu: 'cuda', gpuLayers: 3 })
    expect(onGpu?.text).toBe(onCpu?.text)
  })

  test('a draft model goes along, and both are counted', async () => {
    const drafting = { options: { ...options, draft: model, draftMax: 4 } }
    const [with_, without] = await onMachine('CUDA:gpu:500', [drafting, job])
    expect(with_?.text).toBe(without?.text)
    const weights = (one: typeof with_) => one?.placement.devices[0]?.weightsBytes ?? 0
    expect(weights(with_)).toBe(2 * weights(without))
    expect(with_?.expected.placement.devices).toEqual(with_?.placement.devices)
  })

  test('an encoder embeds as on the CPU', async () => {
    const embed = ['the fox', 'a longer text about another fox']
    const own = { model: encoderModel() }
    const [onGpu, onCpu] = await onMachine('CUDA:gpu:500', [
      { options: own, embed },
      { options: { ...own, gpu: false }, embed },
    ])
    expect(onGpu?.placement.gpu).toBe('cuda')
    const products = onGpu?.vectors?.map((one, i) => dot(one, onCpu?.vectors?.[i] ?? []))
    for (const product of products ?? []) expect(product).toBeGreaterThan(0.9999)
    expect(products).toHaveLength(2)
  })

  // The device knows no abort: the prompt's calls are short instead.
  test('a prefill is cancelled within its current call', async () => {
    const prompt = 'the fox and the hen went to the market '.repeat(120)
    const cancelling = { ...job, prompt, cancelsPrefill: true }
    const { cancelled } = await onOneMachine('CUDA:gpu:500', cancelling)
    expect(cancelled?.finishReason).toBe('cancelled')
    expect(cancelled?.callsAfter).toBeLessThanOrEqual(2)
    expect(cancelled?.usage.completionTokens).toBe(0)
    expect(cancelled?.rows).toBeLessThan(cancelled?.usage.promptTokens ?? 0)
  })
})

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
}
