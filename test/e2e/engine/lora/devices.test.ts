import { describe, expect, test } from 'vitest'
import type { LoadOptions } from '../../../../src/index.js'
import { onOneMachine } from '../../../support/made-up-machine.js'
import { randomAdapter } from '../../../support/models/adapter.js'
import { randomModel, randomModelContent } from '../../../support/models/random-model.js'

// Adapters on GPUs that are made up (native/llama/test/devices). Beside 32 MiB that are left free:
// about 9 MiB of weights and 17 MiB of each adapter.

const own = { embedding: 256, layers: 8, weights: 'q8_0' } as const
const adapter = (seed: number) =>
  randomAdapter('devices', () => randomModelContent(own), { seed, rank: 128 })
const options = {
  model: randomModel(own),
  ...{ context: 1024, kvType: 'q8_0' as const, parallel: 2, threads: 1 },
  lora: { red: adapter(1), blue: adapter(2) },
} satisfies LoadOptions

describe.skipIf(process.platform !== 'linux')('adapters', () => {
  test('go to the GPU that their weights are on, as estimated', async () => {
    const { told, placement, expected } = await onOneMachine('CUDA:gpu:300', { options })
    expect(told).toEqual([])
    const { lora: _, ...without } = options
    const plain = await onOneMachine('CUDA:gpu:300', { options: without })
    const more = (of: typeof placement) =>
      (of.devices[0]?.weightsBytes ?? 0) - (plain.placement.devices[0]?.weightsBytes ?? 0)
    expect(more(placement)).toBeGreaterThan(30e6)
    expect(Math.abs(more(placement) - more(expected.placement))).toBeLessThan(0.05 * 34e6)
  })

  test('are left to the CPU where there turns out to be no room for them', async () => {
    const { told, placement, text } = await onOneMachine('CUDA:gpu:24:lies', { options })
    expect(told).toEqual(['WARN_GPU_FAILED'])
    expect(placement.gpu).toBe(false)
    expect(text).not.toBe('')
    const named = { options: { ...options, gpu: 'cuda' as const } }
    expect(await onOneMachine('CUDA:gpu:24:lies', named)).toMatchObject({
      code: 'ERR_OUT_OF_MEMORY',
      message: expect.stringContaining('no memory for the LoRA adapter'),
    })
  })
})
