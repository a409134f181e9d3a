import type { ModelEvent } from '../../../src/api/models-types.js'
import { ModelPool, type PoolOptions } from '../../../src/pool/pool.js'
import type { PooledEngine, Source } from '../../../src/pool/pool-types.js'
import type { ModelBytes } from '../../../src/pool/room.js'

/** An engine that only is there, or not. */
export class IdleEngine implements PooledEngine {
  readonly name: string
  readonly ended: Promise<unknown>
  closed = false
  /** Set to have its end wait for end(). */
  isSlow = false
  #end!: (failure: unknown) => void

  constructor(name: string) {
    this.name = name
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  async close(): Promise<void> {
    this.closed = true
    if (!this.isSlow) this.end()
    await this.ended
  }

  /** With a failure, it ends by itself. */
  end(failure?: unknown): void {
    this.closed = true
    this.#end(failure)
  }
}

interface Load {
  readonly signal: AbortSignal
  succeed(): void
  fail(error: unknown): void
}

/** A model whose loads succeed and fail when the test says so. */
export class FakeSource implements Source<IdleEngine> {
  readonly name: string
  queueMax = 64
  queueDeadlineMs = 60_000
  workers: string[] = []
  /** Loads by itself. */
  isAuto = true
  readonly measures: AbortSignal[] = []
  measureError: unknown
  isReplaced = false
  readonly loads: Load[] = []
  readonly engines: IdleEngine[] = []
  /** Is given each engine as it is made. */
  onEngine: (engine: IdleEngine) => void = () => undefined
  bytes: ModelBytes

  constructor(name: string, bytes: number) {
    this.name = name
    this.bytes = { file: name, weights: bytes, other: 0 }
  }

  get engine(): IdleEngine {
    const engine = this.engines.at(-1)
    if (engine === undefined) throw new Error(`${this.name} was not loaded yet`)
    return engine
  }

  get load(): Load {
    const load = this.loads.at(-1)
    if (load === undefined) throw new Error(`${this.name} does not load`)
    return load
  }

  async hasChanged(): Promise<boolean> {
    return this.isReplaced
  }

  async measure(signal: AbortSignal): Promise<ModelBytes> {
    this.measures.push(signal)
    if (this.measureError !== undefined) throw this.measureError
    return this.bytes
  }

  open(signal: AbortSignal): Promise<IdleEngine> {
    return new Promise((resolve, reject) => {
      const succeed = () => {
        if (signal.aborted) return
        const engine = new IdleEngine(this.name)
        this.engines.push(engine)
        this.onEngine(engine)
        resolve(engine)
      }
      signal.addEventListener('abort', () => reject(signal.reason))
      this.loads.push({ signal, succeed, fail: reject })
      if (this.isAuto) queueMicrotask(succeed)
    })
  }
}

export interface FakePool {
  readonly pool: ModelPool<IdleEngine>
  /** What became of models, a word each: `loaded a`, `unloaded b memory`. */
  readonly events: string[]
  source(name: string): FakeSource
}

/** A pool of made-up models, by what they take of a budget of 100. */
export function poolOf(
  sizes: Record<string, number>,
  options: Partial<PoolOptions> = {},
): FakePool {
  const sources = Object.entries(sizes).map(([name, bytes]) => new FakeSource(name, bytes))
  const events: string[] = []
  const pool = new ModelPool(sources, {
    budgetBytes: 100,
    idleMs: 0,
    onEvent: (event) => events.push(inWords(event)),
    ...options,
  })
  const source = (name: string) => {
    const found = sources.find((one) => one.name === name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return found
  }
  return { pool, events, source }
}

/** `loaded tales`; of an unload the reason too. */
export function inWords(event: ModelEvent): string {
  const { kind, model } = event
  return event.kind === 'unloaded' ? `${kind} ${model} ${event.reason}` : `${kind} ${model}`
}
