import { describe, expect, test } from 'vitest'
import { type Engine, type LoadOptions, load, type Reply } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { kindModel } from '../../support/models/model-kinds.js'
import { randomModel } from '../../support/models/random-model.js'
import { othersWait } from '../../support/processor/threads.js'
import { suiteLoader } from '../../support/suite-engines.js'

// How a reply ended has one truth: what its reader hears is what stats() counts. The engine's
// thread comes to an end while JavaScript's cancels; here it does so long before JavaScript hears.

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]
const short = { ignoreEos: true, maxTokens: 3 }
const none = { queued: 0, running: 0, parked: 0, cellsUsed: 0 }

/** The engine comes to every end it can come to, and this thread hears of none. */
function letEngineRun(): void {
  const never = new Int32Array(new SharedArrayBuffer(4))
  let idle = 0
  for (let look = 0; look < 2000 && idle < 6; look++) {
    const before = process.cpuUsage()
    Atomics.wait(never, 0, 0, 50)
    idle = isAtRest(before) ? idle + 1 : 0
  }
}

function isAtRest(before: NodeJS.CpuUsage): boolean {
  if (process.platform === 'linux') return othersWait()
  const { user, system } = process.cpuUsage(before) // of all threads, in microseconds
  return user + system < 5000
}

const endOf = (reply: Reply) =>
  reply.done.then(
    ({ finishReason }) => finishReason as string,
    (error: { code: string }) => error.code,
  )

describe('a reply that is cancelled between its end and the news of it', () => {
  const suite = suiteLoader()
  const open = (options: Partial<LoadOptions> = {}) =>
    suite({ model: randomModel(), parallel: 4, ...options })

  test('is cancelled for its reader and counted as cancelled', async () => {
    const engine = await open()
    const reply = engine.chat(ask, short)
    letEngineRun()
    reply.cancel()
    expect(await endOf(reply)).toBe('cancelled')
    expect(engine.stats()).toMatchObject({ started: 1, finished: 0, cancelled: 1, ...none })
    expect(engine.stats().cancelledDecode).toBe(1)
    const { usage } = await reply.done
    expect(usage.completionTokens).toBe(3) // it tells how far it came all the same
  })

  test('has no stop string, since that is not what ended it', async () => {
    const engine = await open()
    const text = await engine.chat(ask, { ...short, temperature: 0 }).text()
    const stopped = { ...short, temperature: 0, stop: text.slice(0, 1) }
    const whole = engine.chat(ask, stopped)
    expect(await whole.done).toMatchObject({ finishReason: 'stop', stopString: text.slice(0, 1) })
    const left = engine.chat(ask, stopped)
    letEngineRun()
    left.cancel()
    expect(await left.done).not.toHaveProperty('stopString')
  })

  test('is cancelled by a reader that leaves its loop, with all of its text read', async () => {
    const engine = await open()
    const reply = engine.chat(ask, { ...short, maxTokens: 1 })
    for await (const _ of reply) {
      letEngineRun()
      break
    }
    // It heard of the end together with its text, or did not: both times they agree.
    const { finished, cancelled } = await eventualEnds(engine, 1)
    expect({ finished, cancelled }).toEqual(
      (await endOf(reply)) === 'cancelled'
        ? { finished: 0, cancelled: 1 }
        : { finished: 1, cancelled: 0 },
    )
  })

  test('is cancelled by its signal', async () => {
    const engine = await open()
    const controller = new AbortController()
    const reply = engine.chat(ask, { ...short, signal: controller.signal })
    letEngineRun()
    controller.abort()
    expect(await endOf(reply)).toBe('ERR_CANCELLED')
    expect(engine.stats()).toMatchObject({ started: 1, finished: 0, cancelled: 1, ...none })
  })

  test('is cancelled in each of its choices', async () => {
    const engine = await open()
    const reply = engine.chat(ask, { ...short, n: 3 })
    letEngineRun()
    reply.cancel()
    const { choices } = await reply.done
    expect(choices.map(({ finishReason }) => finishReason)).toEqual(Array(3).fill('cancelled'))
    expect(engine.stats()).toMatchObject({ started: 3, finished: 0, cancelled: 3, ...none })
  })

  test('is cancelled where it had failed', async () => {
    const engine = await open({ context: 64 })
    const reply = engine.complete('word '.repeat(100))
    letEngineRun()
    reply.cancel()
    expect(await endOf(reply)).toBe('cancelled')
    expect(engine.stats()).toMatchObject({ started: 1, failed: 0, cancelled: 1, ...none })
  })

  test('is cancelled where the engine was closed meanwhile', async () => {
    const engine = await load({ model: randomModel() })
    const endless = { ignoreEos: true }
    const [left, kept] = [engine.chat(ask, endless), engine.chat(ask, endless)]
    await Promise.all([left.accepted, kept.accepted])
    const closing = engine.close()
    letEngineRun()
    left.cancel()
    expect(await Promise.all([endOf(left), endOf(kept)])).toEqual(['cancelled', 'ERR_CLOSED'])
    await closing
    expect(engine.stats()).toMatchObject({ started: 2, failed: 1, cancelled: 1, ...none })
  })

  test('is cancelled as a web stream', async () => {
    const engine = await open()
    const reply = engine.chat(ask, short)
    const stream = reply.toWeb()
    letEngineRun()
    await stream.cancel()
    expect(await endOf(reply)).toBe('cancelled')
    expect(engine.stats()).toMatchObject({ started: 1, finished: 0, cancelled: 1, ...none })
  })

  test('is cancelled by its signal where it embeds, as it rejects', async () => {
    const engine = await open({ model: kindModel('plain', { pooling: 1 }) })
    const controller = new AbortController()
    const embedding = engine.embed(['one', 'two'], { signal: controller.signal })
    letEngineRun()
    controller.abort()
    await expect(embedding).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    expect(engine.stats()).toMatchObject({ started: 1, finished: 0, cancelled: 1, ...none })
  })
})

describe('a reply whose end was heard', () => {
  test('stays what it was: neither cancel() nor its signal changes it', async () => {
    const engine = await load({ model: randomModel() })
    const controller = new AbortController()
    const reply = engine.chat(ask, { ...short, signal: controller.signal })
    letEngineRun()
    // Who looks at the counts has heard what they count.
    expect(engine.stats()).toMatchObject({ started: 1, finished: 1, cancelled: 0, ...none })
    controller.abort()
    reply.cancel()
    expect(await endOf(reply)).toBe('length')
    expect(engine.stats()).toMatchObject({ started: 1, finished: 1, cancelled: 0, ...none })
    await engine.close()
  })

  test('no count ever goes down, and no request is lost between two readings', async () => {
    const engine = await load({ model: randomModel(), parallel: 8, queue: 64 })
    let before = engine.stats()
    const look = () => {
      const now = engine.stats()
      for (const count of ['started', 'finished', 'cancelled', 'failed'] as const) {
        expect(now[count], count).toBeGreaterThanOrEqual(before[count])
      }
      const ended = now.finished + now.cancelled + now.failed
      if (now.queued + now.running + now.parked === 0) expect(ended).toBe(now.started)
      before = now
    }
    for (let round = 0; round < 100; round++) {
      const replies = Array.from({ length: 8 }, (_, i) => engine.chat(ask, { ...short, seed: i }))
      for (const reply of replies) {
        look()
        if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
        reply.cancel()
        look()
      }
      await Promise.all(replies.map(({ done }) => done))
      look()
    }
    expect(before).toMatchObject({ started: 800, failed: 0, ...none })
    await engine.close()
  })
})

async function eventualEnds(engine: Engine, count: number) {
  await eventually(() => {
    const { finished, cancelled, failed } = engine.stats()
    return finished + cancelled + failed === count
  })
  return engine.stats()
}
