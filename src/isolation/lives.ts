import type { EngineSnapshot } from '../binding/engine-port.js'

const counters = [
  'steps',
  'beats',
  'preparerBeats',
  'rowsDecoded',
  'rowsPrefilled',
  'decodeSteps',
  'tokensGenerated',
  'promptTokens',
  'cachedTokens',
  'draftTokens',
  'draftAcceptedTokens',
  'planMs',
  'computeMs',
  'sampleMs',
  'textMs',
  'wakeMs',
  'idleMs',
  'preempted',
  'moved',
  'diskReads',
  'diskReadBytes',
  'diskWrites',
  'diskWrittenBytes',
  'diskDropped',
  'diskErrors',
] as const satisfies readonly (keyof EngineSnapshot)[]

type Counter = (typeof counters)[number]

/** The numbers of an engine that lives several times: counters go on where the last one ended. */
export class Lives {
  readonly #past: Record<Counter, number>
  #snapshot: EngineSnapshot

  constructor() {
    this.#past = zeros()
    this.#snapshot = idle(0, 0)
  }

  tell(snapshot: EngineSnapshot): void {
    this.#snapshot = snapshot
  }

  /** Of the life that is: what a watch is to look at. */
  get now(): EngineSnapshot {
    return this.#snapshot
  }

  /** It has died: what it had in use is free, what it counted stays. */
  end(): void {
    for (const name of counters) this.#past[name] += this.#snapshot[name]
    const { cellsTotal, slots } = this.#snapshot
    this.#snapshot = idle(cellsTotal, slots.length)
  }

  /** A sign of life, of an engine that is being started again: it does not stand still. */
  beat(): void {
    this.#past.beats++
  }

  all(): EngineSnapshot {
    const sums = counters.map((name) => [name, this.#past[name] + this.#snapshot[name]] as const)
    return { ...this.#snapshot, ...(Object.fromEntries(sums) as Record<Counter, number>) }
  }
}

function zeros(): Record<Counter, number> {
  return Object.fromEntries(counters.map((name) => [name, 0])) as Record<Counter, number>
}

/** @param slotNumbers of all slots, each of which is free */
function idle(cellsTotal: number, slotNumbers: number): EngineSnapshot {
  const cells = { cellsUsed: 0, cellsCached: 0, cellsTotal }
  const caches = { cacheBytes: 0, cacheEntries: 0, diskBytes: 0, diskEntries: 0 }
  const gauges = { running: 0, parked: 0, stepMs: 0, busy: false }
  const slots = new Float64Array(slotNumbers)
  return { ...gauges, slots, ...cells, ...caches, ...zeros() }
}
