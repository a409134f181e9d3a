import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Engine, load } from '../../../../src/index.js'
import { eventually } from '../../../support/eventually.js'
import { canHold, holdableInEach, holdNextCall } from '../../../support/held-engine.js'
import { randomModel } from '../../../support/models/random-model.js'

// In a pause the engine copies the state that the next newcomer pushes out of its slot.

const reply = { maxTokens: 8, seed: 7, ignoreEos: true }
/** Longer than the engine waits for the next request before it copies. */
const pauseMs = 400

function conversation(n: number): number[] {
  return Array.from({ length: 200 }, (_, i) => 10 + ((i * (n + 2)) % 200))
}

async function having(
  use: (engine: Engine) => Promise<void>,
  options: { parallel?: number; cacheMiB?: number } = {},
): Promise<void> {
  const engine = await load({
    ...{ model: randomModel(), context: 512, kvType: 'q8_0', parallel: 2 },
    ...options,
  })
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

const said = (engine: Engine, n: number) => engine.complete(conversation(n), reply).text()

/** As it is while a reply is computed, which is no pause; then the reply. */
async function inMidReply(engine: Engine, n: number, look: () => void): Promise<string> {
  const held = holdNextCall()
  const text = said(engine, n)
  await held.begun
  look()
  held.release()
  return text
}

describe.runIf(canHold)('in a pause, and not before', () => {
  holdableInEach()

  test('the state that a newcomer would push out is copied, once', async () => {
    await having(async (engine) => {
      const first = await said(engine, 0)
      await inMidReply(engine, 1, () => expect(engine.stats().cacheEntries).toBe(0))
      await eventually(() => engine.stats().cacheEntries === 1)
      const { cacheBytes } = engine.stats()
      // It takes the slot.
      await inMidReply(engine, 2, () => {
        expect(engine.stats()).toMatchObject({ cacheEntries: 1, cacheBytes })
      })
      const again = engine.complete(conversation(0), reply)
      expect(await again.text()).toBe(first)
      expect((await again.done).usage.cachedTokens).toBeGreaterThan(190)
    })
  })
})

describe('in a pause', () => {
  test.each([
    ['a slot is empty', 2, { parallel: 3 }],
    ['the only slot’s conversation may go on', 1, { parallel: 1 }],
    ['there is no cache', 2, { cacheMiB: 0 }],
  ])('none is copied where %s', async (_, conversations, options) => {
    await having(async (engine) => {
      for (let n = 0; n < conversations; n++) await said(engine, n)
      await sleep(pauseMs)
      expect(engine.stats().cacheEntries).toBe(0)
    }, options)
  })

  test('a copy that pushes out another is left for when it is needed', async () => {
    await having(
      async (engine) => {
        for (let n = 0; n < 21; n++) await said(engine, n)
        const { cacheEntries, cacheBytes } = engine.stats()
        expect(cacheEntries).toBeLessThan(19) // as many as left their slots
        await sleep(pauseMs)
        expect(engine.stats()).toMatchObject({ cacheEntries, cacheBytes })
      },
      { cacheMiB: 1 },
    )
  })
})
