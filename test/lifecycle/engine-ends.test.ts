import { describe, expect, test } from 'vitest'
import { encoderModel } from '../support/models/encoder-model.js'
import { randomModel } from '../support/models/random-model.js'
import { isWithoutFaults, runChild } from './child.js'

// An engine that ends by itself, in a process that must not end with it. The addon fails where
// SLUICE_TEST_FAULT says so: native/llama/test/failing.

const clean = { code: 0, signal: null, stderr: '' }

interface Told {
  underWay: string[]
  after: string[]
  code: string
  message: string
  cause: string
  isKnown: boolean
  running: number
}

describe.skipIf(isWithoutFaults)('an engine that ends by itself', () => {
  const faults: [what: string, fault: string, cause: string, model?: string][] = [
    ['an exception in the step loop', 'logits:3', 'ERR_ENGINE_FAILED'],
    ['something thrown that is no exception', 'logits-other:2', 'ERR_ENGINE_FAILED'],
    ['memory that runs out in the step loop', 'logits-memory:5', 'ERR_OUT_OF_MEMORY'],
    ['memory that has run out for good', 'no-memory:50', 'ERR_OUT_OF_MEMORY'],
    ['an exception in the embedder', 'embeddings:1', 'ERR_ENGINE_FAILED', encoderModel()],
    ['no memory in the embedder', 'no-memory:3', 'ERR_OUT_OF_MEMORY', encoderModel()],
  ]
  test.each(faults)('tells all that wait why: %s', async (_, fault, cause, model) => {
    const exit = await runChild('ends-by-itself', undefined, model, { SLUICE_TEST_FAULT: fault })
    expect(exit).toMatchObject(clean)
    const [told] = exit.messages as [Told]
    const both = `ERR_ENGINE_ENDED ${cause}`
    expect(told).toMatchObject({ code: 'ERR_ENGINE_ENDED', cause, isKnown: true, running: 0 })
    expect(told.message).toContain(`(${cause})`)
    expect(new Set([...told.underWay, ...told.after])).toEqual(new Set([both]))
  })

  test('tells all that wait why beside a draft model too', async () => {
    const env = { SLUICE_TEST_FAULT: 'no-memory:120', DRAFT: randomModel() }
    const exit = await runChild('ends-by-itself', undefined, undefined, env)
    expect(exit).toMatchObject(clean)
    expect(exit.messages).toMatchObject([{ code: 'ERR_ENGINE_ENDED', cause: 'ERR_OUT_OF_MEMORY' }])
  })

  test('tells all that wait why in a worker, which goes on', async () => {
    const env = { SLUICE_TEST_FAULT: 'logits:5' }
    const exit = await runChild('workers/ends-by-itself', undefined, undefined, env)
    expect(exit).toMatchObject(clean)
    const told = { told: 'ERR_ENGINE_ENDED', code: 'ERR_ENGINE_ENDED', cause: 'ERR_ENGINE_FAILED' }
    expect(exit.messages).toEqual([told])
  })
})

describe.skipIf(isWithoutFaults)('the process goes on, wherever something fails', () => {
  const known = /^(done|end (closed|ERR_OUT_OF_MEMORY|ERR_ENGINE_FAILED)|(load )?ERR_[A-Z_]+)$/
  const sweeps: [what: string, sweep: string, model?: string][] = [
    ['one allocation', 'memory:1:300:5'],
    ['all allocations from one on', 'no-memory:1:400:5'],
    ['one allocation of a load', 'load-memory:1:3000:211'],
    ['one allocation as a request comes in', 'request-memory:1:60:1'],
    ['one allocation while embedding', 'memory:1:120:9', encoderModel()],
    ['all allocations while embedding', 'no-memory:1:120:9', encoderModel()],
    ['starting a thread', 'threads:0:5:1'],
  ]
  test.each(sweeps)('where it is %s', async (_, sweep, model) => {
    const exit = await runChild('fails-everywhere', undefined, model, { SWEEP: sweep })
    expect(exit).toMatchObject(clean)
    const [outcomes] = exit.messages as [Record<string, number>]
    for (const outcome of Object.keys(outcomes)) expect(outcome).toMatch(known)
    expect(Object.keys(outcomes).some((one) => one.includes('ERR_'))).toBe(true)
  })
})
