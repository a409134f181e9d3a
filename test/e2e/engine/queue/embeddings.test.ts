import { createRequire } from 'node:module'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../../src/binding/binding.js'
import type { NativeAddon } from '../../../../src/binding/native.js'
import { type Engine, type LoadOptions, load } from '../../../../src/index.js'
import { eventually } from '../../../support/eventually.js'
import { canHold, holdableInEach, holdNextCall } from '../../../support/held-engine.js'
import { encoderModel } from '../../../support/models/encoder-model.js'
import { randomWords } from '../../../support/random-words.js'

// What comes to an engine that embeds while a call is under way: it is held there, or takes long.

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

async function loaded(options: Partial<LoadOptions> = {}): Promise<Engine> {
  const engine = await load({ model: encoderModel(), ...options })
  engines.push(engine)
  return engine
}

/** Nearly as long as a call. */
const long = randomWords(400, 1).join(' ')

/** Once all that was asked before is prepared: one after the other. */
async function prepared(engine: Engine): Promise<void> {
  await engine.tokenize('a')
}

describe.runIf(canHold)('what comes while a call is held', () => {
  holdableInEach()

  test('shares the next one, though of several requests', async () => {
    const engine = await loaded()
    const held = holdNextCall()
    const first = engine.embed(long)
    await held.begun
    const rest = Array.from({ length: 8 }, (_, i) => engine.embed(randomWords(9 + i, i).join(' ')))
    await prepared(engine)
    held.release()
    await Promise.all([first, ...rest])
    expect(engine.stats()).toMatchObject({ finished: 9, started: 9, steps: 2 })
  })

  test('has its turn, however many inputs the request before it has', async () => {
    const engine = await loaded()
    const order: string[] = []
    const held = holdNextCall()
    const many = engine.embed(Array.from({ length: 12 }, () => long))
    await held.begun
    const one = engine.embed('one')
    await prepared(engine)
    held.release()
    await Promise.all([many.then(() => order.push('many')), one.then(() => order.push('one'))])
    expect(order).toEqual(['one', 'many'])
  })
})

describe.runIf(process.platform === 'linux')('in a call of seconds', () => {
  afterEach(() => {
    delete process.env.SLUICE_TEST_FAULT
    useBinding(undefined)
  })

  test('one whose turn does not come hears so before its end', async () => {
    process.env.SLUICE_TEST_FAULT = 'slow:0:50' // some 50 nodes: see native/llama/test/failing
    const addon = path.resolve('build/Release/failing/sluice.node')
    useBinding(createRequire(import.meta.url)(addon) as NativeAddon)
    const engine = await loaded({ queueDeadlineMs: 200 })
    // On a busy machine one may not even be prepared in time.
    let isRefused = true
    let first = Promise.resolve<unknown>(undefined)
    while (isRefused) {
      isRefused = false
      first = engine.embed('the first').catch(() => {
        isRefused = true
      })
      await eventually(() => isRefused || engine.stats().running > 0, 'it never began')
    }
    let words = ''
    while (!words.includes('its turn did not come')) {
      const late: unknown = await engine.embed('late').catch((error: unknown) => error)
      expect(late).toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
      words = (late as Error).message
    }
    expect(engine.stats()).toMatchObject({ steps: 0, finished: 0 })
    expect(await first).toMatchObject({ embeddings: [expect.any(Float32Array)] })
  })
})
