import { describe, expect, test } from 'vitest'
import { Lives } from '../../src/isolation/lives.js'
import { looksPerDeadline, StallWatch } from '../../src/isolation/stall-watch.js'
import { idleSnapshot } from '../support/fake-engine.js'

const quiet = {
  snapshot: idleSnapshot,
  isAwaited: true,
  isUnanswered: false,
  isPreparing: false,
  events: 0,
}
const busy = { ...quiet, snapshot: { ...idleSnapshot, busy: true } }

/** How many looks it takes until it is taken for stalled; undefined where it never is. */
function looksUntilStalled(lookAt: (turn: number) => typeof quiet): number | undefined {
  const watch = new StallWatch()
  for (let turn = 0; turn < 50; turn++) if (watch.look(lookAt(turn))) return turn
  return undefined
}

describe('an engine is taken for stalled within its deadline', () => {
  test('where it is busy and nothing moves', () => {
    expect(looksUntilStalled(() => busy)).toBe(looksPerDeadline - 1)
  })

  test('where its process says nothing to what it was sent', () => {
    expect(looksUntilStalled(() => ({ ...quiet, isUnanswered: true }))).toBe(7)
  })

  test('where a request is being prepared and no thread that does so moves', () => {
    expect(looksUntilStalled(() => ({ ...quiet, isPreparing: true }))).toBe(7)
  })
})

describe('an engine is not taken for stalled', () => {
  const moving = (name: 'steps' | 'beats') => (turn: number) => ({
    ...busy,
    snapshot: { ...busy.snapshot, [name]: Math.floor(turn / 6) },
  })
  test.each(['steps', 'beats'] as const)('where its %s go on', (name) => {
    expect(looksUntilStalled(moving(name))).toBeUndefined()
  })

  test('where events come', () => {
    const look = (turn: number) => ({ ...busy, events: Math.floor(turn / 6) })
    expect(looksUntilStalled(look)).toBeUndefined()
  })

  test('where nothing is asked of it', () => {
    expect(looksUntilStalled(() => ({ ...busy, isAwaited: false }))).toBeUndefined()
  })

  test('where it waits for readers', () => {
    expect(looksUntilStalled(() => quiet)).toBeUndefined()
  })

  test('where it waits for a request that is being prepared', () => {
    const look = (turn: number) => ({
      ...quiet,
      isPreparing: true,
      snapshot: { ...idleSnapshot, preparerBeats: Math.floor(turn / 6) },
    })
    expect(looksUntilStalled(look)).toBeUndefined()
  })
})

test('the counters of an engine go on through its lives, and its gauges do not', () => {
  const lives = new Lives()
  lives.tell({ ...idleSnapshot, steps: 5, computeMs: 2, running: 3, cellsUsed: 9, cellsTotal: 99 })
  lives.end()
  expect(lives.all()).toMatchObject({ steps: 5, computeMs: 2, running: 0, cellsUsed: 0 })
  expect(lives.all().cellsTotal).toBe(99)
  lives.tell({ ...idleSnapshot, steps: 1, running: 1 })
  expect(lives.all()).toMatchObject({ steps: 6, computeMs: 2, running: 1 })
  expect(lives.now.steps).toBe(1)
})

test('an engine that is being started again gives signs of life', () => {
  const lives = new Lives()
  const before = lives.all().beats
  lives.beat()
  expect(lives.all().beats).toBe(before + 1)
})
