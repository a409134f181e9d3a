import { Dice } from '../dice.js'

/** What a run of drawn inputs came to. */
export interface Drawn {
  readonly seed: number
  executions: number
  /** By what became of them. */
  readonly outcomes: Map<string, number>
  /** Of the input that took longest. */
  slowestMs: number
}

/**
 * Draws inputs until the time is over; what `judge` throws ends it, with the seed and the number of
 * the input, by which the input can be drawn again.
 */
export function drawInputs<T>(options: {
  readonly seed: number
  readonly forMs: number
  readonly draw: (dice: Dice) => T
  /** Says in a word what became of the input. */
  readonly judge: (input: T) => string
}): Drawn {
  const { seed, forMs, draw, judge } = options
  const drawn: Drawn = { seed, executions: 0, outcomes: new Map(), slowestMs: 0 }
  const end = performance.now() + forMs
  for (let at = performance.now(); at < end; drawn.executions++) {
    const input = draw(new Dice(seed * 1_000_003 + drawn.executions))
    const outcome = judged(judge, input, `seed ${seed}, input ${drawn.executions}`)
    drawn.outcomes.set(outcome, (drawn.outcomes.get(outcome) ?? 0) + 1)
    const now = performance.now()
    drawn.slowestMs = Math.max(drawn.slowestMs, now - at)
    at = now
  }
  return drawn
}

function judged<T>(judge: (input: T) => string, input: T, where: string): string {
  try {
    return judge(input)
  } catch (cause) {
    throw new Error(`${where}: ${JSON.stringify(input).slice(0, 4000)}`, { cause })
  }
}
