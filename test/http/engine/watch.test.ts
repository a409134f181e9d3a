import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openAi } from '../../../src/apis/openai/api.js'
import { Call } from '../../../src/web/call.js'
import { EngineWatch } from '../../../src/web/engine-watch.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** An engine that computes nothing any more, watched with a deadline of 100 ms. */
function watchStalled() {
  const stats = { steps: 1, beats: 1, preparerBeats: 1, busy: true }
  const engine = { stats: () => stats }
  const onStall = vi.fn()
  const watch = new EngineWatch(engine as never, 100, onStall)
  return { stats, onStall, watch }
}

/** A promise that the test settles. */
function gate() {
  let open!: () => void
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

test('an engine that stands still is noticed, once; one that moves is not', () => {
  const { stats, onStall } = watchStalled()
  for (let i = 0; i < 20; i++) {
    stats.steps++
    vi.advanceTimersByTime(50)
  }
  expect(onStall).not.toHaveBeenCalled()
  vi.advanceTimersByTime(500)
  expect(onStall).toHaveBeenCalledTimes(1)
})

test('an engine whose only batch takes long, and goes on, is not taken for stuck', () => {
  const { stats, onStall } = watchStalled()
  for (let i = 0; i < 20; i++) {
    stats.beats++
    vi.advanceTimersByTime(50)
  }
  expect(onStall).not.toHaveBeenCalled()
})

test('an engine that waits for a request to be prepared is not taken for stuck', () => {
  const { stats, onStall } = watchStalled()
  stats.busy = false
  for (let i = 0; i < 20; i++) {
    stats.preparerBeats++
    vi.advanceTimersByTime(50)
  }
  expect(onStall).not.toHaveBeenCalled()
  vi.advanceTimersByTime(500)
  expect(onStall).toHaveBeenCalledTimes(1)
})

test('an engine that is stuck is noticed, though requests go on being prepared', () => {
  const { stats, onStall } = watchStalled()
  for (let i = 0; i < 20; i++) {
    stats.preparerBeats++
    vi.advanceTimersByTime(50)
  }
  expect(onStall).toHaveBeenCalledTimes(1)
})

test('an engine is not watched until the last of several replies has its reader back', async () => {
  const { onStall, watch } = watchStalled()
  const [first, second] = [gate(), gate()]
  const paused = [watch.pause(first.opened), watch.pause(second.opened)]
  first.open()
  await paused[0]
  vi.advanceTimersByTime(1000)
  expect(onStall).not.toHaveBeenCalled()
  second.open()
  await paused[1]
  vi.advanceTimersByTime(1000)
  expect(onStall).toHaveBeenCalledTimes(1)
})

test('a reader that is waited for since before there was an engine is no standstill', async () => {
  const call = new Call({ headers: {}, hosts: [], target: {} } as never, openAi.errorWords)
  const { opened, open } = gate()
  const paused = call.pause(opened)
  await call.pause(Promise.resolve()) // one that is over
  call.watch({ stats: () => ({ steps: 1, beats: 1, preparerBeats: 1, busy: true }) } as never, 100)
  vi.advanceTimersByTime(1000)
  expect(call.signal.aborted).toBe(false)
  open()
  await paused
  vi.advanceTimersByTime(1000)
  expect(call.signal.reason).toMatchObject({ kind: 'engine_stalled' })
})

test('an engine is looked at once for all replies that wait for it', () => {
  const stats = { steps: 1, beats: 1, preparerBeats: 1, busy: true }
  const engine = { stats: vi.fn(() => stats) }
  const onStall = vi.fn()
  const watches = Array.from({ length: 10 }, () => new EngineWatch(engine as never, 100, onStall))
  vi.advanceTimersByTime(100)
  expect(engine.stats).toHaveBeenCalledTimes(4)
  vi.advanceTimersByTime(25)
  expect(onStall).toHaveBeenCalledTimes(10)
  for (const watch of watches) watch.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('a reply that begins to wait just before a look is given its whole deadline', () => {
  const stats = { steps: 1, beats: 1, preparerBeats: 1, busy: true }
  const engine = { stats: () => stats }
  new EngineWatch(engine as never, 100, () => undefined)
  vi.advanceTimersByTime(49)
  const onStall = vi.fn()
  new EngineWatch(engine as never, 100, onStall)
  vi.advanceTimersByTime(100)
  expect(onStall).not.toHaveBeenCalled()
  vi.advanceTimersByTime(25)
  expect(onStall).toHaveBeenCalledTimes(1)
})
