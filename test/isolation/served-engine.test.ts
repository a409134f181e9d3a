import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { EngineEvent, EnginePort, EngineSnapshot } from '../../src/binding/engine-port.js'
import type { FromEngine } from '../../src/isolation/messages.js'
import { ServedEngine } from '../../src/isolation/served-engine.js'
import { idleSnapshot } from '../support/fake-engine.js'

const beatMs = 100
const restMs = 8

/** An engine that says what it is told to, behind a ServedEngine, and what that told. */
class Spoken {
  readonly told: FromEngine[] = []
  running = 0
  #events: EngineEvent[] = []
  #steps = 0
  #wake: () => void = () => undefined
  #isWoken = false
  readonly served = new ServedEngine(
    (wake) => {
      this.#wake = wake
      return this.#port()
    },
    { beatMs, restMs },
    (message) => this.told.push(message),
  )

  /** Text of one step. As the addon does, it wakes once until that is taken. */
  step(): void {
    this.#steps++
    this.#events.push({ kind: 'texts', ids: [1], texts: ['a'], tokens: [1] })
    if (!this.#isWoken) this.#wake()
    this.#isWoken = true
  }

  get texts(): number {
    return this.told.flatMap(({ events }) => events).length
  }

  #port(): EnginePort {
    const nothing = () => undefined
    return {
      post: nothing,
      credit: nothing,
      cancel: nothing,
      drain: () => {
        this.#isWoken = false
        return this.#events.splice(0)
      },
      snapshot: (): EngineSnapshot => {
        const { running } = this
        return { ...idleSnapshot, running, busy: running > 0, beats: this.#steps }
      },
      ref: nothing,
      unref: nothing,
      end: nothing,
    }
  }
}

let spoken: Spoken

beforeEach(() => {
  vi.useFakeTimers()
  spoken = new Spoken()
})

afterEach(() => {
  spoken.served.stop()
  vi.useRealTimers()
})

/** A step each ms, after the first two, which tell how many run. */
function stepFor(ms: number, running: number): void {
  spoken.running = running
  spoken.step()
  vi.advanceTimersByTime(50)
  spoken.told.length = 0
  for (let i = 0; i < ms; i++) {
    spoken.step()
    vi.advanceTimersByTime(1)
  }
}

test('a lone reply’s text is told at once', () => {
  stepFor(50, 1)
  expect(spoken.texts).toBe(50)
  expect(spoken.told.length).toBeGreaterThanOrEqual(50)
})

test.each([
  [8, 1000 / restMs],
  [128, 1000 / 25],
  [2000, 1000 / 25],
])('texts of %i replies are told together, however long they run', (running, most) => {
  stepFor(1000, running)
  expect(spoken.told.length).toBeLessThanOrEqual(most + 1)
  expect(spoken.told.length).toBeGreaterThan(most / 2)
  vi.advanceTimersByTime(30)
  expect(spoken.texts).toBe(1000)
})

test('what says nothing is told of by the beat, until it is idle', () => {
  spoken.running = 1
  vi.advanceTimersByTime(5 * beatMs)
  expect(spoken.told.length).toBeGreaterThanOrEqual(5)
  spoken.running = 0
  vi.advanceTimersByTime(2 * beatMs)
  const { length } = spoken.told
  vi.advanceTimersByTime(10 * beatMs)
  expect(spoken.told).toHaveLength(length)
})
