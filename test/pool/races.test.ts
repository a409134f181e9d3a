import { expect, test, vi } from 'vitest'
import { EngineFailedError } from '../../src/api/errors.js'
import type { Use } from '../../src/pool/pool.js'
import { Dice } from '../support/fuzz/dice.js'
import { type FakePool, type IdleEngine, poolOf } from '../support/pool/fake-pool.js'

// Whatever comes in whatever order: nobody loses an engine that he uses, what is in memory is
// within the budget, everybody is answered, and at the end nothing is left.

const sizes = { a: 30, b: 40, c: 50, d: 60 }
const names = Object.keys(sizes)

interface Run extends FakePool {
  readonly dice: Dice
  readonly held: Use<IdleEngine>[]
  /** Of requests that were not answered yet. */
  readonly open: Set<AbortController>
  answered: number
}

function runOf(seed: number): Run {
  const fakes = poolOf(sizes, { idleMs: 3000 })
  const run: Run = {
    ...fakes,
    dice: new Dice(seed),
    held: [],
    open: new Set(),
    answered: 0,
  }
  for (const name of names) fakes.source(name).isAuto = false
  return run
}

const actions: ((run: Run) => void)[] = [ask, ask, ask, letGo, letGo, letGo, letGo, leave, end, end]
const rareActions: ((run: Run) => void)[] = [failLoad, unload, dieByItself, preload]

function ask(run: Run): void {
  const abort = new AbortController()
  run.open.add(abort)
  const settled = () => {
    run.open.delete(abort)
    run.answered++
  }
  run.pool.use(run.dice.pick(names), abort.signal).then((use) => {
    settled()
    expect(use.engine.closed).toBe(false)
    run.held.push(use)
  }, settled)
}

function letGo(run: Run): void {
  const [use] = run.held.splice(run.dice.int(0, run.held.length), 1)
  use?.release()
}

function leave(run: Run): void {
  if (run.open.size > 0) run.dice.pick([...run.open]).abort(new Error('left'))
}

/** Loads that are under way end well. */
function end(run: Run): void {
  for (const name of names) for (const load of run.source(name).loads.splice(0)) load.succeed()
}

function failLoad(run: Run): void {
  for (const load of run.source(run.dice.pick(names)).loads.splice(0)) {
    load.fail(new EngineFailedError('broken'))
  }
}

function unload(run: Run): void {
  void run.pool.unload(run.dice.pick(names))
}

function preload(run: Run): void {
  run.pool.load(run.dice.pick(names)).catch(() => undefined)
}

function dieByItself(run: Run): void {
  const { engines } = run.source(run.dice.pick(names))
  const engine = engines.at(-1)
  if (engine?.closed !== false) return
  for (const use of run.held.filter((one) => one.engine === engine)) {
    run.held.splice(run.held.indexOf(use), 1)
    use.release()
  }
  engine.end(new EngineFailedError('ended'))
}

test.each([1, 2, 3, 4, 5, 6])('races of a pool, seed %i', async (seed) => {
  vi.useFakeTimers()
  try {
    const run = runOf(seed)
    let asked = 0
    for (let turn = 0; turn < 1000; turn++) {
      const act = run.dice.pick(run.dice.chance(0.04) ? rareActions : actions)
      if (act === ask) asked++
      act(run)
      await vi.advanceTimersByTimeAsync(run.dice.chance(0.3) ? run.dice.int(0, 800) : 0)
      expect(run.pool.bytes).toBeLessThanOrEqual(100)
      for (const { engine } of run.held) expect(engine.closed).toBe(false)
    }
    for (let turn = 0; turn < 100 && run.open.size > 0; turn++) {
      end(run)
      for (const use of run.held.splice(0)) use.release()
      await vi.advanceTimersByTimeAsync(1000)
    }
    expect(run.answered).toBe(asked)
    const loads = run.events.filter((one) => one.startsWith('loaded')).length
    expect(loads).toBeGreaterThan(30)
    for (const use of run.held.splice(0)) use.release()
    end(run)
    await run.pool.close()
    expect(run.pool.bytes).toBe(0)
    const engines = names.flatMap((name) => run.source(name).engines)
    expect(engines.filter((engine) => !engine.closed)).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
