import {
  ClosedError,
  ModelNotFoundError,
  OutOfMemoryError,
  OverloadedError,
  QueueTimeoutError,
  SluiceError,
} from '../api/errors.js'
import type { ModelEvent, ModelStatus, UnloadReason } from '../api/models-types.js'
import { onAbort } from '../engine/abort-signals.js'
import { hasPlace } from '../engine/queue/places.js'
import type { SmallSet } from '../engine/small-set.js'
import { surface } from '../engine/surface.js'
import { Member, Resident, type Waiter } from './member.js'
import type { PooledEngine, Source } from './pool-types.js'
import { bytesOf, type ModelBytes, type Room, roomBeside, roomFor } from './room.js'

/** How long a model waits for memory before those that run take no new requests for its sake. */
const patienceMs = 5000
/** More is too long for a timer of Node's. */
const timerMsMax = 2 ** 31 - 1

export interface PoolOptions {
  /** Bytes that all models in memory may take together. */
  readonly budgetBytes: number
  /** Milliseconds without a use after which a model is unloaded; 0 is never. */
  readonly idleMs: number
  readonly onEvent?: (event: ModelEvent) => void
}

/** A model's wait for memory that others use. */
interface Patience<E extends PooledEngine> {
  readonly member: Member<E>
  /** Those that had to take no new uses for its sake. */
  readonly held: Set<Member<E>>
  /** Until they have to, and then until they need not any more. */
  timer: NodeJS.Timeout
  isOver: boolean
}

/** A model in use: it stays loaded until release(), which may be called twice. */
export interface Use<E> {
  readonly engine: E
  readonly release: () => void
}

/**
 * Models that are loaded when they are asked for, and unloaded when nobody uses them or others need
 * their memory. Knows no HTTP and no llama.cpp. JavaScript's thread only. Rules:
 *  1. One load at a time, in the order in which models were asked for; measuring counts as one.
 *     While the first only waits for memory, one behind it that has room as it is may be loaded.
 *  2. A model that is used is never unloaded. It may have to take no new uses until it is, for a
 *     while. If it is still used then, who waited for it goes to the end of the line.
 *  3. What is in memory, and what is being loaded, is within the budget at every moment. A model
 *     counts until its engine has ended.
 *  4. A load that has begun goes on though all who waited for it have left: they mostly come again.
 *     One that has not begun does not begin.
 */
export class ModelPool<E extends PooledEngine> {
  readonly #options: PoolOptions
  readonly #members: Map<string, Member<E>>
  /** Models that are to be loaded, the next one first. */
  #line: Member<E>[] = []
  /** Models whose bytes are to be found out when there is nothing else to do. */
  #unmeasured: Member<E>[] = []
  /** The model that is being measured or loaded, and what gives that up. */
  #current: { readonly member: Member<E>; readonly abort: AbortController } | undefined
  #isWorking = false
  /** Something has changed since the work looked at it. */
  #isAsked = false
  #isClosed = false
  #uses = 0
  /** What is being loaded, and in memory as good as the rest. */
  #coming: ModelBytes | undefined
  #closing: Promise<void> | undefined
  /** Of the first in line, where it waits for memory. */
  #patience: Patience<E> | undefined
  #onRest: () => void = () => undefined

  constructor(sources: readonly Source<E>[], options: PoolOptions) {
    this.#options = options
    this.#members = new Map(sources.map((source) => [source.name, new Member(source)]))
  }

  get closed(): boolean {
    return this.#isClosed
  }

  get budgetBytes(): number {
    return this.#options.budgetBytes
  }

  /** Of the models in memory, and of one that is being loaded. */
  get bytes(): number {
    const there = this.#residents().map(({ bytes }) => bytes)
    return bytesOf(this.#coming === undefined ? there : [...there, this.#coming])
  }

  list(): ModelStatus[] {
    const members = [...this.#members.values()].filter(({ isRemoved }) => !isRemoved)
    return members.map((member) => member.status())
  }

  /** One more model. Throws where one of its name is there, or has yet to go. */
  add(source: Source<E>): void {
    const { name } = source
    if (this.#members.has(name)) throw new Error(`there is a model '${name}' already`)
    const member = new Member(source)
    this.#members.set(name, member)
    this.#unmeasured.push(member)
    this.#work()
  }

  /** Takes a model away, as unload() does; from now on there is none of that name. */
  async remove(name: string): Promise<void> {
    const member = this.#member(name)
    member.isRemoved = true
    this.#unmeasured = this.#unmeasured.filter((one) => one !== member)
    const unloaded = this.#unload(member)
    this.#giveUp(member) // also those that wait for the load after this one
    await unloaded
    this.#members.delete(name) // not before: it counts until its engine has ended
  }

  status(name: string): ModelStatus {
    return this.#member(name).status()
  }

  /** Milliseconds for which requests for it fail at once, as its last load did. */
  retryMs(name: string): number {
    return this.#member(name).retryMs
  }

  /** The engines that are in memory. */
  loaded(): { readonly name: string; readonly engine: E }[] {
    return this.#residents().map(({ member, engine }) => ({ name: member.name, engine }))
  }

  /**
   * The model, loaded if it is not. One owner's uses leave room for another's first. Rejects with
   * what its load failed with, with OverloadedError where too many wait for it, with
   * QueueTimeoutError where its load did not begin in time, with ClosedError, and with the signal's
   * reason.
   */
  async use(name: string, signal?: AbortSignal, owner = ''): Promise<Use<E>> {
    const member = this.#admit(name, signal)
    if (member.resident?.isOpen) return this.#take(member.resident)
    if (member.retryMs > 0) throw member.failure?.error
    const { queueMax, queueDeadlineMs } = member.source
    const taken = member.waiters.size
    const ofOwner = [...member.waiters].filter((waiter) => waiter.owner === owner).length
    if (!hasPlace({ taken, ofOwner, max: queueMax, queue: queueMax })) {
      throw tooManyWait(member.source)
    }
    return new Promise((resolve, reject) => {
      const serve = (resident: Resident<E>) => resolve(this.#take(resident))
      const waiter = { owner, serve, fail: reject }
      this.#wait(member, member.waiters, signal, waiter, queueDeadlineMs)
    })
  }

  /**
   * Has the model loaded, also where its last load failed a moment ago. Waits for its turn for as
   * long as that takes, and takes no place of a use's. Otherwise rejects as use() does.
   */
  async load(name: string, signal?: AbortSignal): Promise<void> {
    const member = this.#admit(name, signal)
    if (member.resident?.isOpen) return
    return new Promise((resolve, reject) => {
      this.#wait(member, member.loaders, signal, {
        owner: '',
        serve: () => resolve(),
        fail: reject,
      })
    })
  }

  /**
   * Unloads the model once nobody uses it. A load under way is given up, and who waits for it is
   * told so. Resolves once its memory is free.
   */
  unload(name: string): Promise<void> {
    return this.#unload(this.#member(name))
  }

  async #unload(member: Member<E>): Promise<void> {
    if (this.#current?.member === member) this.#current.abort.abort(givenUp(member))
    const { resident } = member
    if (member.isWanted && resident === undefined) this.#giveUp(member)
    if (resident === undefined) return
    resident.leaving ??= 'asked'
    if (!resident.isBusy) return this.#close(resident, 'asked')
    await resident.engine.ended
    await resident.closing
  }

  /** It is not to be loaded any more, and who waits for that is told. */
  #giveUp(member: Member<E>): void {
    this.#leaveLine(member)
    member.settle((waiter) => waiter.fail(givenUp(member)))
  }

  /**
   * How long the model stays without a use, in the place of the pool's own `idleMs`, until it is
   * unloaded: 0 is until nobody uses it, Infinity is ever. Nothing where it is not in memory.
   */
  keep(name: string, idleMs: number): void {
    const { resident } = this.#member(name)
    if (resident === undefined || resident.isGoing) return
    resident.keptMs = idleMs
    this.#awaitIdle(resident)
  }

  /** When it is unloaded if it is used no more, in Unix milliseconds; undefined is never. */
  idleAt(name: string): number | undefined {
    const { resident } = this.#member(name)
    if (resident === undefined) return undefined
    const idleMs = this.#idleMs(resident)
    if (resident.idleAt !== undefined) return Date.now() + resident.idleAt - performance.now()
    return idleMs === undefined ? undefined : Date.now() + idleMs
  }

  /** Finds out what each model takes, one after the other, when there is nothing else to do. */
  survey(): void {
    const members = [...this.#members.values()]
    this.#unmeasured = members.filter(({ bytes }) => bytes === undefined)
    this.#work()
  }

  /** Closes every engine, used or not. Who waits is told. Resolves once all memory is free. */
  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  async #end(): Promise<void> {
    this.#isClosed = true
    this.#endPatience()
    this.#current?.abort.abort(poolClosed())
    for (const member of this.#members.values()) {
      member.isWanted = false
      member.settle((waiter) => waiter.fail(poolClosed()))
    }
    this.#line = []
    this.#unmeasured = []
    if (this.#isWorking) {
      await new Promise<void>((resolve) => {
        this.#onRest = resolve
      })
    }
    await Promise.all(this.#residents().map((resident) => this.#close(resident, 'closed')))
  }

  #member(name: string): Member<E> {
    const member = this.#members.get(name)
    if (member !== undefined && !member.isRemoved) return member
    throw new ModelNotFoundError(
      `there is no model '${name}' here, but ${[...this.#members.keys()].join(', ')}`,
    )
  }

  #admit(name: string, signal: AbortSignal | undefined): Member<E> {
    const member = this.#member(name)
    if (this.#isClosed) throw poolClosed()
    signal?.throwIfAborted()
    return member
  }

  #residents(): Resident<E>[] {
    return [...this.#members.values()].flatMap(({ resident }) => resident ?? [])
  }

  #take(resident: Resident<E>): Use<E> {
    resident.uses++
    resident.usedAt = ++this.#uses
    clearTimeout(resident.idleTimer)
    let isReleased = false
    const release = () => {
      if (isReleased) return
      isReleased = true
      resident.uses--
      resident.usedAt = ++this.#uses
      if (resident.uses === 0) this.#rest(resident)
    }
    return { engine: resident.engine, release }
  }

  /** Nobody uses it now. */
  #rest(resident: Resident<E>): void {
    if (resident.member.resident !== resident) return // it has ended by itself
    if (resident.leaving !== undefined) void this.#close(resident, resident.leaving)
    else this.#awaitIdle(resident)
    this.#work()
  }

  #awaitIdle(resident: Resident<E>): void {
    clearTimeout(resident.idleTimer)
    resident.idleAt = undefined
    const idleMs = this.#idleMs(resident)
    if (resident.isBusy || idleMs === undefined) return
    if (idleMs === 0) return void this.#close(resident, 'idle')
    resident.idleAt = performance.now() + idleMs
    resident.idleTimer = setTimeout(() => void this.#close(resident, 'idle'), idleMs)
    resident.idleTimer.unref()
  }

  /** Undefined is ever, and so is what no timer can wait for. */
  #idleMs({ keptMs }: Resident<E>): number | undefined {
    const { idleMs } = this.#options
    const asked = keptMs ?? (idleMs === 0 ? Number.POSITIVE_INFINITY : idleMs)
    return asked > timerMsMax ? undefined : asked
  }

  /** @param deadlineMs within which the load has to begin; undefined is ever */
  #wait(
    member: Member<E>,
    waiters: SmallSet<Waiter<E>>,
    signal: AbortSignal | undefined,
    wanted: Waiter<E>,
    deadlineMs?: number,
  ): void {
    const settled = () => {
      clearTimeout(deadline)
      stop()
    }
    const waiter: Waiter<E> = {
      owner: wanted.owner,
      serve: (resident) => {
        settled()
        wanted.serve(resident)
      },
      fail: (error) => {
        settled()
        wanted.fail(error)
      },
    }
    const leave = (error: unknown) => {
      if (!waiters.delete(waiter)) return
      waiter.fail(error)
      if (!member.isAwaited && this.#current?.member !== member) this.#leaveLine(member)
    }
    const late = () => {
      if (this.#current?.member === member) deadline?.refresh()
      else leave(waitedTooLong(member.source))
    }
    const deadline = deadlineMs === undefined ? undefined : setTimeout(late, deadlineMs)
    const stop = onAbort(signal, () => leave(signal?.reason))
    waiters.add(waiter)
    this.#join(member)
  }

  #join(member: Member<E>): void {
    if (!member.isWanted) {
      member.isWanted = true
      this.#line.push(member)
    }
    this.#work()
  }

  #leaveLine(member: Member<E>): void {
    member.isWanted = false
    this.#line = this.#line.filter((one) => one !== member)
    if (this.#patience?.member === member) this.#endPatience()
    this.#work()
  }

  /** Does what can be done, one thing after the other. */
  #work(): void {
    this.#isAsked = true
    if (!this.#isWorking) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isWorking = true
    await Promise.resolve() // what is asked for in one turn is looked at together
    while (this.#isAsked && !this.#isClosed) {
      this.#isAsked = false
      // One whose engine has yet to end is loaded again after that.
      const [next, ...others] = this.#line.filter(({ resident }) => resident === undefined)
      const unmeasured = next === undefined ? this.#unmeasured.shift() : undefined
      if (next !== undefined) {
        await this.#working(next, (signal) => this.#advance(next, signal))
        await this.#pass(others)
      } else if (unmeasured !== undefined) {
        // One whose worker serves another model is measured when it is asked for.
        if (this.#holders(unmeasured).length === 0) {
          await this.#working(unmeasured, (signal) => this.#measure(unmeasured, signal))
        }
        this.#isAsked = true
      }
    }
    this.#isWorking = false
    this.#onRest()
  }

  /** Where the first in line only waits for memory, the next that has room as it is goes on. */
  async #pass(others: readonly Member<E>[]): Promise<void> {
    for (const one of others) {
      if (this.#isAsked || this.#isClosed || this.#patience === undefined) return
      await this.#working(one, (signal) => this.#advance(one, signal))
    }
  }

  /** Never rejects: what goes wrong is the model's failure. */
  async #working(
    member: Member<E>,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    const abort = new AbortController()
    this.#current = { member, abort }
    try {
      await work(abort.signal)
    } catch (error) {
      if (!abort.signal.aborted && member.isWanted) this.#fail(member, error)
    } finally {
      this.#current = undefined
      this.#coming = undefined
      this.#isAsked ||= this.#line.some((one) => one === member && abort.signal.aborted)
    }
  }

  async #measure(member: Member<E>, signal: AbortSignal): Promise<ModelBytes> {
    if (await member.source.hasChanged()) member.bytes = undefined
    member.bytes ??= await member.source.measure(signal)
    return member.bytes
  }

  /** A step towards a loaded model: it is loaded, or room is made, or that is waited for. */
  async #advance(member: Member<E>, signal: AbortSignal): Promise<void> {
    const isTooLarge = await this.#isTooLarge(member)
    if (!(await this.#isAwaitedAfter(this.#holders(member), member, signal))) return
    const beside = roomBeside(this.#holders(member))
    if (beside.kind !== 'fits' && !isTooLarge) return this.#makeRoom(member, beside)
    const bytes = await this.#measure(member, signal)
    if (!(await this.#isAwaitedAfter(this.#residents(), member, signal))) return
    const room = roomFor(bytes, this.#residents(), this.#options.budgetBytes)
    if (room.kind === 'never') {
      throw tooLarge(member, bytesOf([bytes]), this.#options.budgetBytes)
    }
    if (room.kind !== 'fits') return this.#makeRoom(member, room)
    // Of those behind one that waits, each comes in before it once at most.
    if (this.#isBehind(member) && this.#patience?.held.has(member)) return
    if (!this.#isBehind(member)) this.#endPatience()
    this.#coming = bytes
    await this.#open(member, bytes, signal)
    this.#isAsked = true
  }

  /** As far as it is known: nobody goes for a model that would fail then. */
  async #isTooLarge({ bytes, source }: Member<E>): Promise<boolean> {
    if (bytes === undefined || bytesOf([bytes]) <= this.#options.budgetBytes) return false
    return !(await source.hasChanged())
  }

  /** Once those that close are closed. Leaves the line where nobody waits for it any more. */
  async #isAwaitedAfter(
    residents: readonly Resident<E>[],
    member: Member<E>,
    signal: AbortSignal,
  ): Promise<boolean> {
    await Promise.all(residents.map(({ closing }) => closing))
    signal.throwIfAborted()
    if (!member.isAwaited) this.#leaveLine(member)
    return member.isAwaited
  }

  /** Whether another one waits that was asked for before. */
  #isBehind(member: Member<E>): boolean {
    return this.#patience !== undefined && this.#patience.member !== member
  }

  /** Unloads who is idle, or waits for who is not. Nothing for one that is behind another. */
  async #makeRoom(member: Member<E>, room: Room<Resident<E>>): Promise<void> {
    if (this.#isBehind(member)) return
    if (room.kind === 'wait') this.#awaitMemory(member, room.victims)
    if (room.kind !== 'unload') return
    await Promise.all(room.victims.map((one) => this.#close(one, 'memory')))
    this.#isAsked = true
  }

  /** The engines in memory that have a worker of its. */
  #holders(member: Member<E>): Resident<E>[] {
    const { workers } = member.source
    return this.#residents().filter((resident) => {
      return resident.member.source.workers.some((one) => workers.includes(one))
    })
  }

  async #open(member: Member<E>, bytes: ModelBytes, signal: AbortSignal): Promise<void> {
    this.#tell({ kind: 'loading', model: member.name })
    const startedAt = performance.now()
    let engine: E
    try {
      engine = await member.source.open(signal)
    } catch (error) {
      if (signal.aborted || !this.#unloadForSpace(error)) throw error
      return // once more, when its memory is free
    }
    if (signal.aborted) {
      await engine.close()
      return
    }
    const resident = new Resident(member, engine, bytes, ++this.#uses)
    member.open(resident)
    this.#coming = undefined
    void engine.ended.then((failure) => this.#onEnded(resident, failure))
    const durationMs = performance.now() - startedAt
    this.#serve(resident) // first: who is told of it may unload it
    this.#tell({ kind: 'loaded', model: member.name, durationMs, bytes: bytesOf([bytes]) })
  }

  #serve(resident: Resident<E>): void {
    const { member } = resident
    this.#leaveLine(member)
    member.settle((waiter) => waiter.serve(resident))
    this.#awaitIdle(resident)
  }

  /**
   * The system had less memory than was counted on: another program took it, or a GPU is full.
   * Returns whether a model goes for that.
   */
  #unloadForSpace(error: unknown): boolean {
    if (!(error instanceof SluiceError) || error.code !== 'ERR_OUT_OF_MEMORY') return false
    const idle = this.#residents().filter(({ isBusy, isGoing }) => !isBusy && !isGoing)
    const [first] = idle.sort((a, b) => a.usedAt - b.usedAt)
    if (first === undefined) return false
    void this.#close(first, 'memory')
    return true
  }

  /** Those that run take no new uses, once it has waited for a while. */
  #awaitMemory(member: Member<E>, running: readonly Resident<E>[]): void {
    this.#patience ??= this.#patienceOf(member)
    const { held, isOver } = this.#patience
    // For a load that no request waits for, no other one has to.
    if (!isOver || member.waiters.size === 0) return
    for (const resident of running) {
      resident.isYielding = true
      held.add(resident.member)
    }
  }

  #patienceOf(member: Member<E>): Patience<E> {
    const timer = setTimeout(() => {
      patience.isOver = true
      patience.timer = this.#puttingOff(member)
      this.#work()
    }, patienceMs)
    timer.unref()
    const patience = { member, held: new Set<Member<E>>(), timer, isOver: false }
    return patience
  }

  /** If it has waited for long then, and some use still goes on, the others have their turn. */
  #puttingOff(member: Member<E>): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#endPatience()
      this.#line = [...this.#line.filter((one) => one !== member), member]
      this.#work()
    }, member.source.queueDeadlineMs)
    return timer.unref()
  }

  #endPatience(): void {
    clearTimeout(this.#patience?.timer)
    this.#patience = undefined
    for (const resident of this.#residents()) {
      if (!resident.isYielding) continue
      resident.isYielding = false
      if (resident.isOpen) this.#serve(resident)
    }
  }

  #close(resident: Resident<E>, reason: UnloadReason): Promise<void> {
    clearTimeout(resident.idleTimer)
    resident.closing ??= this.#closed(resident, reason)
    return resident.closing
  }

  async #closed(resident: Resident<E>, reason: UnloadReason): Promise<void> {
    const { member, engine } = resident
    try {
      await engine.close()
    } catch (error) {
      surface(error) // of a close() that somebody has replaced
    }
    member.leave(undefined)
    member.unloads++
    this.#tell({ kind: 'unloaded', model: member.name, reason })
    this.#work()
  }

  /** Its engine has ended, and not by this pool where it is still there. */
  #onEnded(resident: Resident<E>, failure: unknown): void {
    const { member } = resident
    if (resident.closing !== undefined || member.resident !== resident) return
    clearTimeout(resident.idleTimer)
    member.leave(failure)
    if (failure === undefined) {
      member.unloads++
      this.#tell({ kind: 'unloaded', model: member.name, reason: resident.leaving ?? 'closed' })
      this.#work()
    } else this.#fail(member, failure)
  }

  #fail(member: Member<E>, error: unknown): void {
    const retryMs = member.fail(error)
    member.settle((waiter) => waiter.fail(error))
    this.#leaveLine(member)
    this.#tell({ kind: 'failed', model: member.name, error, retryMs })
  }

  #tell(event: ModelEvent): void {
    this.#options.onEvent?.(event)
  }
}

function poolClosed(): ClosedError {
  return new ClosedError('the models were closed')
}

function givenUp({ name }: { name: string }): ClosedError {
  return new ClosedError(`'${name}' was unloaded while it was waited for`)
}

function tooManyWait({ name, queueMax }: Source<PooledEngine>): OverloadedError {
  return new OverloadedError(
    `${queueMax} requests wait for '${name}' to be loaded, which is as many as may`,
  )
}

function waitedTooLong({ name, queueDeadlineMs }: Source<PooledEngine>): QueueTimeoutError {
  return new QueueTimeoutError(
    `the load of '${name}' did not begin within ${queueDeadlineMs} ms: ` +
      'the other models were in use, or being loaded',
  )
}

function tooLarge({ name }: { name: string }, bytes: number, budget: number): OutOfMemoryError {
  const mib = (count: number) => Math.ceil(count / 2 ** 20)
  return new OutOfMemoryError(
    `'${name}' needs ${mib(bytes)} MiB, and all models together may take ${mib(budget)} MiB; ` +
      'give it a smaller context or less parallel, or the models more memory',
  )
}
