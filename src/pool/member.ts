import type { ModelState, ModelStatus, UnloadReason } from '../api/models-types.js'
import { SmallSet } from '../engine/small-set.js'
import type { PooledEngine, Source } from './pool-types.js'
import { bytesOf, type ModelBytes, type Occupant } from './room.js'

/** Waits for a model to be loaded. Each of both is called once at most, and one of them only. */
export interface Waiter<E extends PooledEngine> {
  readonly owner: string
  readonly serve: (resident: Resident<E>) => void
  readonly fail: (error: unknown) => void
}

/** Why a model is not there, and until when requests are told so at once. */
interface Failure {
  readonly error: unknown
  readonly retryAt: number
}

const backoffMs = 1000
const backoffMsMax = 60_000
/** An engine that ends by itself sooner than this after its load counts as one more in a row. */
const steadyMs = 60_000

/** One of a pool's models, loaded or not. Owned by its pool. */
export class Member<E extends PooledEngine> {
  readonly source: Source<E>
  /** Uses that wait for it. */
  readonly waiters = new SmallSet<Waiter<E>>()
  /** Those that asked for no more than its load. */
  readonly loaders = new SmallSet<Waiter<E>>()
  /** Undefined until it was measured. */
  bytes: ModelBytes | undefined
  resident: Resident<E> | undefined
  failure: Failure | undefined
  /** Whether it stands in the pool's line of models that are to be loaded. */
  isWanted = false
  /** It is there for no new use, and goes once its engine has ended. */
  isRemoved = false
  loads = 0
  unloads = 0
  failures = 0
  /** Failures since it last ran for a while, or was unloaded: to load is not yet to run. */
  #inRow = 0

  constructor(source: Source<E>) {
    this.source = source
  }

  get name(): string {
    return this.source.name
  }

  /** Whether anybody waits for it to be loaded. */
  get isAwaited(): boolean {
    return this.waiters.size > 0 || this.loaders.size > 0
  }

  get state(): ModelState {
    if (this.resident !== undefined && !this.resident.isGoing) return 'loaded'
    if (this.isWanted) return 'loading'
    return this.failure === undefined ? 'unloaded' : 'failed'
  }

  status(): ModelStatus {
    const { name, state, resident, waiters, bytes, loads, unloads, failures, failure } = this
    return {
      name,
      state,
      inUse: resident?.uses ?? 0,
      waiting: waiters.size,
      bytes: bytes && bytesOf([bytes]),
      loads,
      unloads,
      failures,
      error: failure?.error,
    }
  }

  /** It is in memory from now on. */
  open(resident: Resident<E>): void {
    this.resident = resident
    this.failure = undefined
    this.loads++
  }

  /**
   * It is in memory no more.
   * @param failure why its engine ended; undefined where it was unloaded
   */
  leave(failure: unknown): void {
    const { resident } = this
    if (resident === undefined) return
    const isSteady = performance.now() - resident.loadedAt >= steadyMs
    if (isSteady || failure === undefined) this.#inRow = 0
    this.resident = undefined
  }

  /** Takes down a failure. Returns the milliseconds until a request tries again. */
  fail(error: unknown): number {
    const retryMs = Math.min(backoffMs * 2 ** this.#inRow++, backoffMsMax)
    this.failure = { error, retryAt: performance.now() + retryMs }
    this.failures++
    return retryMs
  }

  /** Milliseconds for which requests are told of its failure at once; 0 where they are not. */
  get retryMs(): number {
    return Math.max(0, (this.failure?.retryAt ?? 0) - performance.now())
  }

  /** All that wait have their answer. */
  settle(answer: (waiter: Waiter<E>) => void): void {
    for (const waiters of [this.loaders, this.waiters]) {
      for (const waiter of waiters) {
        waiters.delete(waiter)
        answer(waiter)
      }
    }
  }
}

/** A model in memory. Owned by its member, until its engine has ended. */
export class Resident<E extends PooledEngine> implements Occupant {
  readonly member: Member<E>
  readonly engine: E
  readonly bytes: ModelBytes
  readonly loadedAt = performance.now()
  /** Of its last use's begin or end, by the pool's count. */
  usedAt: number
  uses = 0
  /** Takes no new uses, for one that has waited for memory long enough. */
  isYielding = false
  /** It is unloaded as soon as nobody uses it. */
  leaving: UnloadReason | undefined
  /** Under way; resolves once its memory is free. */
  closing: Promise<void> | undefined
  idleTimer: NodeJS.Timeout | undefined
  /** When that fires, by performance.now(): the system's clock may be set meanwhile. */
  idleAt: number | undefined
  /** How long it stays without a use, where a user said so: see ModelPool.keep. */
  keptMs: number | undefined

  constructor(member: Member<E>, engine: E, bytes: ModelBytes, usedAt: number) {
    this.member = member
    this.engine = engine
    this.bytes = bytes
    this.usedAt = usedAt
  }

  get isBusy(): boolean {
    return this.uses > 0
  }

  /** Whether it will be unloaded. */
  get isGoing(): boolean {
    return this.leaving !== undefined || this.closing !== undefined
  }

  /** Whether a use may begin. */
  get isOpen(): boolean {
    return !this.isYielding && !this.isGoing && !this.engine.closed
  }
}
