/**
 * Runs of a fuzz, one after the other, each of a seed of its own. The seed of a run that failed is
 * in what it throws; with SLUICE_FUZZ_SEED it comes first again.
 */
import { Dice } from './dice.js'
import { LoneRuns } from './lone.js'
import type { Plan } from './plan.js'
import { run } from './run.js'

export interface Runs {
  name: string
  draw: (seed: number, dice: Dice) => Plan
  /** For so long, and SLUICE_FUZZ_MS has the last word. */
  ms: number
  /** It goes on until clients have ended in each of these ways, however few runs fit the time. */
  met?: readonly string[]
}

/** @returns how many clients ended how */
export async function fuzz({ name, draw, ms, met = [] }: Runs): Promise<Record<string, number>> {
  const first = Number(process.env.SLUICE_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
  const until = performance.now() + Number(process.env.SLUICE_FUZZ_MS ?? ms)
  console.log(`${name}: SLUICE_FUZZ_SEED=${first}`)
  await using lone = new LoneRuns()
  let runs = 0
  const ends: Record<string, number> = {}
  const isOver = () => performance.now() >= until && met.every((end) => end in ends)
  for (let seed = first; !isOver(); seed++, runs++) {
    const plan = draw(seed, new Dice(seed))
    try {
      for (const end of await run(plan, lone)) ends[end] = (ends[end] ?? 0) + 1
    } catch (cause) {
      const engines = JSON.stringify(plan.engines)
      throw new Error(`${name}: SLUICE_FUZZ_SEED=${seed} failed on ${engines}`, { cause })
    }
  }
  console.log(`${name}: ${runs} runs, which ended`, ends)
  return ends
}
