import type {
  EngineCommand,
  EngineEvent,
  NativeRequest,
  RequestPhase,
} from '../binding/engine-port.js'

/** What is answered by events of its id. */
type Work = Exclude<EngineCommand, { kind: 'close' }>

/** Of which some ids may still be open. */
interface Posted {
  readonly command: Work
  /** It was posted before, to an engine that died. */
  readonly isRepeat: boolean
  /** When it was asked for. */
  readonly since: number
  /** There was no engine, so that none has measured how long it waits. */
  readonly isHeldUp: boolean
  /** Its turn has come: it, or another of its choices, has had a slot. */
  hasStarted: boolean
}

interface Open {
  posted: Posted
  /** Whether the engine that has it now has prepared it. */
  isPrepared: boolean
  isAccepted: boolean
  /** Something of its answer was told. */
  hasBegun: boolean
  isCancelled: boolean
}

/**
 * Why it ends with the engine: it was `cancelled`, its answer had `begun`, or this is the second
 * engine that died of it or beside it.
 */
type LossReason = 'cancelled' | 'begun' | 'twice'

export interface Loss {
  readonly id: number
  readonly phase: RequestPhase
  readonly reason: LossReason
}

/** Its turn has not come in time. */
interface Late {
  readonly id: number
  readonly kind: Work['kind']
}

export interface Interruption {
  readonly lost: readonly Loss[]
  /** How many the next engine is to be asked for. */
  readonly kept: number
}

/** The seed that follows the largest is 0: see from-js.cpp. */
const seeds = 2 ** 32 - 1

/**
 * What was asked of an engine and has no end yet, so that the next engine can be asked for it where
 * this one dies. What had text may not be asked again: its reader would get it twice. Everything
 * else may, once: what an engine dies of is not to end all that follow.
 */
export class OpenWork {
  readonly #open = new Map<number, Open>()

  get size(): number {
    return this.#open.size
  }

  /** Whether some of it is not prepared yet. */
  get isPreparing(): boolean {
    for (const { isPrepared } of this.#open.values()) if (!isPrepared) return true
    return false
  }

  /** @param isHeldUp whether no engine has it for now */
  add(command: Work, now: number, isHeldUp: boolean): void {
    const posted = { command, isRepeat: false, since: now, isHeldUp, hasStarted: false }
    const states = { isPrepared: false, isAccepted: false, hasBegun: false, isCancelled: false }
    for (const id of idsOf(command)) this.#open.set(id, { posted, ...states })
  }

  cancel(id: number): void {
    const one = this.#open.get(id)
    if (one !== undefined) one.isCancelled = true
  }

  /** Takes down an event. Returns whether it is to be told: not where it was told before. */
  note(event: EngineEvent): boolean {
    switch (event.kind) {
      case 'accepted':
        return this.#accept(event.id)
      case 'texts':
        for (const id of event.ids) this.#begin(id)
        return true
      case 'part':
        this.#begin(event.id)
        return true
      case 'finished':
      case 'error':
        if (event.phase !== 'queued') this.#start(event.id)
        return this.#open.delete(event.id)
      case 'embedded':
      case 'tokens':
      case 'text-made':
      case 'pieces':
        return this.#open.delete(event.id)
      default:
        return true
    }
  }

  /**
   * The engine that had all this has died. What is lost is open no more.
   * @param withSlot ids that had a slot
   */
  interrupt(withSlot: readonly number[] = []): Interruption {
    for (const id of withSlot) this.#start(id)
    const lost: Loss[] = []
    for (const [posted, ids] of this.#byCommand()) {
      const kept = this.#sorted(posted, ids, lost)
      const hasStarted = posted.hasStarted || this.#mayBeComputed(posted, ids)
      const again = { ...posted, isRepeat: true, isHeldUp: true, hasStarted }
      for (const command of repeats(posted.command, kept)) this.#assign(command, again)
    }
    for (const { id } of lost) this.#open.delete(id)
    return { lost, kept: this.#open.size }
  }

  /** While no engine has it: what was cancelled meanwhile is open no more. */
  dropCancelled(): Loss[] {
    const lost: Loss[] = []
    for (const [posted, ids] of this.#byCommand()) {
      if (!ids.some((id) => this.#open.get(id)?.isCancelled)) continue
      const kept = this.#sorted({ ...posted, isRepeat: false }, ids, lost)
      for (const command of repeats(posted.command, kept)) this.#assign(command, posted)
    }
    for (const { id } of lost) this.#open.delete(id)
    return lost
  }

  /**
   * What was held up and is late: asked for at `time` or before, without a turn until now. It is
   * open no more. Once the next engine has prepared it, that measures its time, and none is late
   * whose turn has come.
   */
  dropLate(time: number): Late[] {
    const late: Late[] = []
    for (const [posted, ids] of this.#heldUp()) {
      if (posted.since > time) continue
      const { kind } = posted.command
      for (const id of ids) late.push({ id, kind })
    }
    for (const { id } of late) this.#open.delete(id)
    return late
  }

  /** When the oldest of what is held up was asked for. */
  get heldUpSince(): number | undefined {
    let oldest: number | undefined
    for (const [{ since }] of this.#heldUp()) oldest = Math.min(oldest ?? since, since)
    return oldest
  }

  /** All that is open, for an engine that has none of it, in the order of its ids. */
  commands(): Work[] {
    return [...this.#byCommand().keys()].map(({ command }) => command)
  }

  #accept(id: number): boolean {
    const one = this.#open.get(id)
    if (one === undefined) return false
    one.isPrepared = true
    if (one.isAccepted) return false
    one.isAccepted = true
    return true
  }

  #begin(id: number): void {
    const one = this.#open.get(id)
    if (one !== undefined) one.hasBegun = true
  }

  #start(id: number): void {
    const one = this.#open.get(id)
    if (one !== undefined) one.posted.hasStarted = true
  }

  /** What embeds has no slot that would tell. */
  #mayBeComputed({ command: { kind } }: Posted, ids: readonly number[]): boolean {
    return kind === 'embed' && ids.some((id) => this.#open.get(id)?.isPrepared)
  }

  /** Texts are left out: who asked for them measures their time (TextJobs). */
  #heldUp(): [Posted, number[]][] {
    return [...this.#byCommand()].filter(([posted, ids]) => {
      const { command, isHeldUp, hasStarted } = posted
      if (!isHeldUp || hasStarted) return false
      if (command.kind !== 'generate' && command.kind !== 'embed') return false
      return !ids.some((id) => this.#open.get(id)?.isPrepared)
    })
  }

  #byCommand(): Map<Posted, number[]> {
    const groups = new Map<Posted, number[]>()
    for (const [id, { posted }] of this.#open) {
      const ids = groups.get(posted)
      if (ids === undefined) groups.set(posted, [id])
      else ids.push(id)
    }
    return groups
  }

  /** The ids that go on. A reply's choices are read as one, and end together. */
  #sorted({ isRepeat }: Posted, ids: readonly number[], lost: Loss[]): number[] {
    const states = ids.map((id) => [id, this.#open.get(id) as Open] as const)
    const wanted = states.filter(([, { isCancelled }]) => !isCancelled)
    const hasBegun = wanted.some(([, one]) => one.hasBegun)
    const kept: number[] = []
    for (const [id, one] of states) {
      const phase = phaseOf(one)
      if (one.isCancelled) lost.push({ id, phase, reason: 'cancelled' })
      else if (hasBegun) lost.push({ id, phase, reason: 'begun' })
      else if (isRepeat) lost.push({ id, phase, reason: 'twice' })
      else kept.push(id)
    }
    return kept
  }

  #assign(command: Work, of: Posted): void {
    const posted = { ...of, command }
    for (const id of idsOf(command)) {
      const one = this.#open.get(id) as Open
      one.posted = posted
      one.isPrepared = false
    }
  }
}

export function idsOf(command: Work): number[] {
  const count = command.kind === 'generate' ? command.choices : 1
  return Array.from({ length: count }, (_, i) => command.id + i)
}

/** As far as the port knows: whether it has a slot, the engine alone does. */
function phaseOf({ hasBegun, isAccepted }: Open): RequestPhase {
  if (hasBegun) return 'decode'
  return isAccepted ? 'prefill' : 'queued'
}

/** The same for these ids alone: of choices some may have ended. */
function repeats(command: Work, ids: readonly number[]): Work[] {
  if (command.kind !== 'generate') return ids.length === 0 ? [] : [command]
  const runs: Work[] = []
  let first = 0
  for (let i = 1; i <= ids.length; i++) {
    const isEnd = i === ids.length || ids[i] !== (ids[i - 1] as number) + 1
    if (!isEnd) continue
    runs.push(choicesFrom(command, ids[first] as number, i - first))
    first = i
  }
  return runs
}

function choicesFrom(
  command: { kind: 'generate' } & NativeRequest,
  id: number,
  choices: number,
): Work {
  const seed = (command.seed + (id - command.id)) % seeds
  return { ...command, id, choices, seed }
}
