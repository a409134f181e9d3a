import { expect, test } from 'vitest'
import { Vitality } from '../../../src/http/vitality.js'

function watched() {
  const stats = { steps: 1, beats: 1, preparerBeats: 1, busy: true, queued: 0, running: 1 }
  const time = { ms: 0 }
  const engine = { stats: () => ({ ...stats }) as never }
  const { isAlive } = new Vitality(
    () => [engine],
    100,
    () => time.ms,
  )
  const after = (ms: number) => {
    time.ms += ms
    return isAlive()
  }
  return { stats, after }
}

test('an engine that computes is alive, however long it takes', () => {
  const { stats, after } = watched()
  for (let i = 0; i < 20; i++) {
    stats.beats++
    expect(after(90)).toBe(true)
  }
})

test('one that stands still while something waits for it is not, until it moves again', () => {
  const { stats, after } = watched()
  expect([after(10), after(90), after(20)]).toEqual([true, true, false])
  stats.steps++
  expect(after(10)).toBe(true)
})

test('one that has nothing to do is alive', () => {
  const { stats, after } = watched()
  stats.running = 0
  for (let i = 0; i < 20; i++) expect(after(90)).toBe(true)
  stats.queued = 1
  expect([after(90), after(90)]).toEqual([true, false])
})

test('one whose texts are prepared is, unless its own thread is stuck', () => {
  const { stats, after } = watched()
  stats.busy = false
  for (let i = 0; i < 5; i++) {
    stats.preparerBeats++
    expect(after(90)).toBe(true)
  }
  stats.busy = true
  stats.preparerBeats++
  expect(after(110)).toBe(false)
})

test('of several engines one that stands still is enough', () => {
  const still = { steps: 1, beats: 1, preparerBeats: 1, busy: true, queued: 1, running: 0 }
  let steps = 0
  const moving = { stats: () => ({ ...still, steps: steps++ }) as never }
  const time = { ms: 0 }
  const engines = [moving, { stats: () => still as never }]
  const { isAlive } = new Vitality(
    () => engines,
    100,
    () => time.ms,
  )
  expect(isAlive()).toBe(true)
  time.ms = 200
  expect(isAlive()).toBe(false)
})
