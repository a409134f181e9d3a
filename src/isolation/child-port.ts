import type { EngineCrash, EngineCrashReason } from '../api/isolation-types.js'
import type {
  EngineCommand,
  EngineEvent,
  EnginePort,
  EngineSnapshot,
  NativeEngineOptions,
  NativeErrorCode,
  NativeModelInfo,
} from '../binding/engine-port.js'
import { requestsIn } from '../binding/slot-numbers.js'
import type { EngineProcess, Exit, StartsProcess } from './engine-process.js'
import { Lives } from './lives.js'
import type { FromEngine, ToEngine } from './messages.js'
import { type Interruption, idsOf, type Loss, OpenWork } from './open-work.js'
import { Restarts, restartsMax, withinMs } from './restarts.js'
import { isSameModel } from './same-model.js'
import { looksPerDeadline, StallWatch } from './stall-watch.js'
import { exitInWords, lateInWords, lossInWords } from './words.js'

interface ChildPortOptions {
  /** The addon, and the folders of further backends. */
  readonly file: string
  readonly folders: string[]
  readonly options: NativeEngineOptions
  /**
   * What a later process is made with, so that it comes to what the first one settled on. Called
   * before each, when the last one's memory is free.
   */
  readonly again: (settled: NativeModelInfo) => NativeEngineOptions
  /** What tells the files that are loaded from others of the same names; undefined: unknown. */
  readonly identify?: () => Promise<string | undefined>
  readonly prepare?: Prepares
  /** How long the engine may stand still while something is asked of it. */
  readonly stallMs: number
  readonly onCrash: (crash: EngineCrash) => void
  readonly starts: StartsProcess
}

/**
 * Called before each process is started, for what that needs beside this machine.
 * @throws Unprepared where it is not to be had: then the load has failed, or the engine ends
 */
export type Prepares = (
  options: NativeEngineOptions,
  isAgain: boolean,
  signal: AbortSignal,
) => Promise<NativeEngineOptions>

/** What an engine's process needs is not there. */
export class Unprepared extends Error {
  readonly code: NativeErrorCode

  constructor(code: NativeErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/** How often the engine's process says that it goes on, at the most and at the least. */
const beatMsMin = 5
const beatMsMax = 100
/** A message took 0.25 ms to write on a busy machine. Its text is told in larger pieces instead. */
const restMs = 8
/** How long a process whose engine is closed may take to end. */
const exitMs = 5000
/** How long it may seem to stand still until then, at least, where it writes states to its disk. */
const writingMs = 15_000
/** More is too long for a timer of Node's. */
const longestMs = 2 ** 31 - 1

/** Why a process died, as far as it is known before it has ended. */
interface Fault {
  readonly reason: EngineCrashReason
  readonly code: NativeErrorCode
  readonly words: string
}

/**
 * - `loading`: the first process, until its model is loaded
 * - `running`
 * - `waiting`: the process has died, the next one is about to be started
 * - `reloading`: it is started
 * - `closing`: the engine was closed, and its process is to end
 * - `closed`: nothing follows
 */
type State = 'loading' | 'running' | 'waiting' | 'reloading' | 'closing' | 'closed'

/**
 * An engine in a process of its own. Where that dies, by a signal, an assertion, for want of
 * memory, or because it stood still and was killed, another one is started: see Restarts. Replies
 * that had begun fail, everything else is asked once more: see OpenWork. Its client hears of none
 * of this but the failures. Owned by EngineClient.
 */
export class ChildPort implements EnginePort {
  readonly #given: ChildPortOptions
  readonly #wake: () => void
  readonly #work = new OpenWork()
  readonly #lives = new Lives()
  readonly #restarts = new Restarts()
  readonly #counts = { restartsCrashed: 0, restartsStalled: 0, restartsFailed: 0 }
  /** What the first process said, and what files it said it of. */
  #settled: NativeModelInfo | undefined
  #files: Promise<string | undefined> | undefined
  #process: EngineProcess | undefined
  /** Ends what is prepared for the next process. */
  #preparing: AbortController | undefined
  #state: State = 'loading'
  #events: EngineEvent[] = []
  #isWoken = false
  #isReferenced = false
  /** What is to be sent at the end of this turn. */
  #outbox: ToEngine[] = []
  #sent = 0
  #received = 0
  #eventsHeard = 0
  /** Set where it is known why the process is about to end. */
  #fault: Fault | undefined
  /** The engine has told that it is closed. */
  #isDone = false
  #isLoadFailed = false
  #timer: NodeJS.Timeout | undefined
  /** Of what is held up. */
  #deadlineTimer: NodeJS.Timeout | undefined
  #lookTimer: NodeJS.Timeout | undefined
  #watch = new StallWatch()

  constructor(given: ChildPortOptions, wake: () => void) {
    this.#given = given
    this.#wake = wake
    this.#start()
  }

  post(command: EngineCommand): void {
    if (command.kind === 'close') {
      this.#close()
      return
    }
    const isRunning = this.#state === 'running'
    this.#work.add(command, performance.now(), !isRunning)
    if (isRunning) this.#send(command)
    else this.#watchDeadline()
  }

  credit(id: number, tokens: number): void {
    if (this.#state === 'running') this.#send({ kind: 'credit', id, tokens })
  }

  cancel(id: number): void {
    this.#work.cancel(id)
    if (this.#state === 'running' || this.#state === 'closing') this.#send({ kind: 'cancel', id })
    else if (this.#state !== 'loading') this.#dropCancelled()
  }

  drain(): EngineEvent[] {
    this.#isWoken = false
    return this.#events.splice(0)
  }

  snapshot(): EngineSnapshot {
    const isRestarting = this.#state === 'waiting' || this.#state === 'reloading'
    if (isRestarting) this.#lives.beat()
    return { ...this.#lives.all(), ...this.#counts, isRestarting }
  }

  ref(): void {
    this.#isReferenced = true
    this.#process?.ref()
    this.#timer?.ref()
  }

  unref(): void {
    this.#isReferenced = false
    this.#process?.unref()
    this.#timer?.unref()
  }

  end(): void {
    this.#state = 'closed'
    this.#preparing?.abort()
    this.#stopTimers()
    clearTimeout(this.#deadlineTimer)
    this.#process?.kill()
  }

  #start(): void {
    const { prepare } = this.#given
    if (prepare === undefined) {
      this.#spawn(this.#options)
      return
    }
    const preparing = new AbortController()
    this.#preparing = preparing
    const { signal } = preparing
    this.#wait(longestMs, () => undefined) // what waits for the process keeps the program alive
    const then = (next: () => void) => {
      if (signal.aborted) return
      clearTimeout(this.#timer)
      next()
    }
    prepare(this.#options, this.#state === 'reloading', signal).then(
      ({ workers }) => then(() => this.#spawn({ ...this.#options, workers })), // asked for anew
      (error) => then(() => this.#onUnprepared(error as Error)),
    )
  }

  get #options(): NativeEngineOptions {
    const { options, again } = this.#given
    return this.#settled === undefined ? options : again(this.#settled)
  }

  #onUnprepared(error: Error): void {
    const code = error instanceof Unprepared ? error.code : 'ERR_ENGINE_FAILED'
    const told = { code, message: error.message }
    const isLoad = this.#state === 'loading'
    this.#events.push(isLoad ? { kind: 'load-failed', ...told } : { kind: 'ended', ...told })
    this.#finish()
  }

  #spawn(options: NativeEngineOptions): void {
    const { file, folders, stallMs, starts } = this.#given
    const beatMs = Math.max(beatMsMin, Math.min(beatMsMax, Math.floor(stallMs / 16)))
    const start = { file, folders, options, beatMs, restMs }
    this.#sent = 1
    this.#received = 0
    this.#fault = undefined
    this.#isDone = false
    try {
      this.#process = starts(start, {
        onMessage: (message) => this.#onMessage(message),
        onExit: (exit) => this.#onExit(exit),
      })
    } catch (error) {
      this.#onExit({ code: null, signal: null, error: error as Error })
      return
    }
    if (this.#isReferenced) this.#process.ref()
  }

  #send(message: ToEngine): void {
    if (this.#outbox.length === 0) setImmediate(() => this.#flush())
    this.#outbox.push(message)
  }

  #flush(): void {
    const batch = this.#outbox
    this.#outbox = []
    if (batch.length === 0 || this.#process === undefined) return
    try {
      this.#process.send(batch)
      this.#sent++
    } catch {
      for (const message of batch) this.#sendAlone(message)
      this.#tell()
    }
  }

  /** One of several cannot be written, as where memory runs out for it. The others can. */
  #sendAlone(message: ToEngine): void {
    try {
      this.#process?.send([message])
      this.#sent++
    } catch (error) {
      this.#onUnsent(message, error as Error)
    }
  }

  #onUnsent(message: ToEngine, error: Error): void {
    if (message.kind === 'credit' || message.kind === 'cancel' || message.kind === 'close') {
      this.#process?.kill() // without it, the engine would wait for ever
      return
    }
    const told = `this could not be sent to the engine's process: ${error.message}`
    for (const id of idsOf(message)) this.#fail(id, 'ERR_ENGINE_FAILED', told)
  }

  /** What has no turn yet. */
  #fail(id: number, code: NativeErrorCode, message: string): void {
    this.#hear({ kind: 'error', id, code, message, phase: 'queued' })
  }

  #onMessage({ events, snapshot, received }: FromEngine): void {
    if (this.#state === 'closed' || this.#fault !== undefined) return
    this.#lives.tell(snapshot)
    this.#received = received
    this.#eventsHeard += events.length
    for (const event of events) this.#hear(event)
    this.#tell()
  }

  #hear(event: EngineEvent): void {
    if (this.#fault !== undefined) return
    switch (event.kind) {
      case 'progress':
        if (this.#state !== 'reloading') this.#events.push(event)
        break
      case 'estimated':
        this.#events.push(event)
        break
      case 'ready':
        this.#onReady(event)
        break
      case 'load-failed':
        if (this.#state === 'reloading') this.#onLost('failed', event)
        else this.#onLoadFailed(event)
        break
      case 'ended':
        this.#onLost('failed', event)
        break
      case 'closed':
        this.#isDone = true
        this.#wait(exitMs, () => this.#process?.kill())
        break
      default:
        if (this.#work.note(event)) this.#events.push(event)
    }
  }

  #onReady(event: EngineEvent & { kind: 'ready' }): void {
    if (this.#state === 'loading') {
      const { kind: _, ...info } = event
      this.#events.push(event)
      this.#settled = info
      this.#files = this.#identify() // now, when it was to be had: a server of files may be gone
      this.#run()
    } else if (this.#state === 'reloading') {
      this.#check(event)
    }
  }

  /** It has what waits. */
  #run(): void {
    this.#state = 'running'
    for (const command of this.#work.commands()) this.#send(command)
    this.#startLooking()
  }

  /** Whether what was loaded again is what was loaded first. */
  #check({ kind: _, ...info }: EngineEvent & { kind: 'ready' }): void {
    const checked = this.#process
    void Promise.all([this.#files, this.#identify()]).then(([before, now]) => {
      const isOver = this.#process !== checked || this.#fault !== undefined
      if (this.#state !== 'reloading' || isOver) return
      const isSameFile = before === undefined || now === undefined || before === now
      if (isSameFile && isSameModel(info, this.#settled as NativeModelInfo)) this.#run()
      else this.#onReplaced()
    })
  }

  /** Its replies would be another model's. */
  #onReplaced(): void {
    this.#events.push({ kind: 'ended', code: 'ERR_ENGINE_FAILED', message: replaced })
    this.#state = 'closing'
    this.#process?.kill()
    this.#tell()
  }

  #onLoadFailed(event: EngineEvent): void {
    this.#isLoadFailed = true
    this.#events.push(event)
  }

  /** The engine cannot go on, though its process could. */
  #onLost(reason: EngineCrashReason, cause: { code: NativeErrorCode; message: string }): void {
    const what = this.#state === 'reloading' ? 'could not load the model again' : 'ended by itself'
    const words = `${what}: ${cause.message || 'memory ran out'}`
    this.#fault = { reason, code: cause.code, words }
    this.#process?.kill()
  }

  #startLooking(): void {
    const isWriting = this.#state === 'closing' && this.#given.options.cacheDir !== ''
    const stallMs = Math.max(this.#given.stallMs, isWriting ? writingMs : 0)
    this.#watch = new StallWatch()
    clearInterval(this.#lookTimer)
    this.#lookTimer = setInterval(() => this.#look(stallMs), stallMs / looksPerDeadline)
    this.#lookTimer.unref()
  }

  #look(stallMs: number): void {
    const isStalled = this.#watch.look({
      snapshot: this.#lives.now,
      isAwaited: this.#work.size > 0 || this.#state === 'closing',
      isUnanswered: this.#received < this.#sent,
      isPreparing: this.#work.isPreparing,
      events: this.#eventsHeard,
    })
    if (!isStalled) return
    const words = `stood still for ${stallMs} ms and was killed`
    this.#fault = { reason: 'stalled', code: 'ERR_ENGINE_CRASHED', words }
    this.#process?.kill()
  }

  #onExit(exit: Exit): void {
    if (this.#state === 'closed') return
    this.#stopTimers()
    this.#process = undefined
    this.#outbox = []
    if (this.#state === 'closing' || this.#isDone) {
      this.#finish()
      return
    }
    const fault = this.#fault ?? crashed(exit)
    if (this.#state === 'loading') {
      const message = `the engine's process ${fault.words}, while it loaded the model`
      const { code } = fault
      if (!this.#isLoadFailed) this.#events.push({ kind: 'load-failed', code, message })
      this.#finish()
      return
    }
    const withSlot = requestsIn(this.#lives.now.slots)
    this.#lives.end()
    this.#goOn(fault, exit, withSlot)
  }

  #goOn(fault: Fault, exit: Exit, withSlot: readonly number[]): void {
    // One that died as it loaded has had no request, and so died of none.
    const hadWork = this.#state === 'running'
    const untouched = { lost: [], kept: this.#work.size }
    const interrupted = hadWork ? this.#work.interrupt(withSlot) : untouched
    for (const loss of interrupted.lost) this.#events.push(failureOf(loss, fault))
    const retryMs = this.#restarts.next(performance.now())
    if (retryMs === undefined) {
      const message = `its process ${fault.words}; ${tooOften}`
      this.#events.push({ kind: 'ended', code: fault.code, message })
      this.#finish()
    } else {
      this.#counts[countOf[fault.reason]]++
      this.#state = 'waiting'
      this.#wait(retryMs, () => {
        this.#state = 'reloading'
        this.#start()
      })
      this.#watchDeadline()
      this.#tell()
    }
    // Last: it may close the engine, cancel requests and ask for others.
    this.#given.onCrash(crashOf(fault, exit, interrupted, retryMs))
  }

  /** Those that wait for the next process and are not wanted any more. */
  #dropCancelled(): void {
    for (const loss of this.#work.dropCancelled()) this.#events.push(cancelledOf(loss))
    this.#tell()
  }

  /**
   * Requests that are held up, between two processes and until the next one has prepared them, have
   * their time from when they were asked for.
   */
  #watchDeadline(): void {
    if (this.#deadlineTimer !== undefined) return
    const since = this.#work.heldUpSince
    if (since === undefined) return
    const inMs = since + this.#given.options.queueDeadlineMs - performance.now()
    const timer = setTimeout(() => this.#dropLate(), Math.max(1, Math.ceil(inMs)))
    this.#deadlineTimer = timer.unref()
  }

  #dropLate(): void {
    this.#deadlineTimer = undefined
    if (this.#state === 'closing' || this.#state === 'closed') return
    const { queueDeadlineMs } = this.#given.options
    for (const { id, kind } of this.#work.dropLate(performance.now() - queueDeadlineMs)) {
      const message = lateInWords(kind, queueDeadlineMs)
      this.#events.push({ kind: 'error', id, code: 'ERR_QUEUE_TIMEOUT', message, phase: 'queued' })
      if (this.#state === 'running') this.#send({ kind: 'cancel', id })
    }
    this.#watchDeadline()
    this.#tell()
  }

  #close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    const before = this.#state
    this.#state = 'closing'
    this.#preparing?.abort()
    if (before === 'waiting' || this.#process === undefined) {
      this.#stopTimers()
      this.#finish()
    } else if (before === 'running') {
      this.#send({ kind: 'close' })
      this.#startLooking()
    } else {
      this.#process?.kill() // a load may never come back, and has nothing to keep
    }
  }

  /** The last. What is open yet ends by it. */
  #finish(): void {
    this.#state = 'closed'
    clearTimeout(this.#deadlineTimer)
    this.#events.push({ kind: 'closed' })
    this.#tell()
  }

  #tell(): void {
    if (this.#events.length === 0 || this.#isWoken) return
    this.#isWoken = true
    this.#wake()
  }

  #wait(ms: number, then: () => void): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(then, ms)
    if (!this.#isReferenced) this.#timer.unref()
  }

  /** Undefined, too, where the files cannot be read in time: their server may have gone. */
  #identify(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const { identify = async () => undefined, stallMs } = this.#given
      const timer = setTimeout(resolve, stallMs, undefined).unref()
      identify()
        .catch(() => undefined) // unknown
        .then((known) => {
          clearTimeout(timer)
          resolve(known)
        })
    })
  }

  #stopTimers(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#lookTimer)
    this.#timer = undefined
  }
}

const replaced =
  'a file that it was loaded from has been replaced since then, and its process had to be ' +
  'started again; load it anew'
const tooOften = `it was started again ${restartsMax} times within ${withinMs / 1000} s`

const countOf = {
  crashed: 'restartsCrashed',
  stalled: 'restartsStalled',
  failed: 'restartsFailed',
} as const

function crashed(exit: Exit): Fault {
  return { reason: 'crashed', code: 'ERR_ENGINE_CRASHED', words: exitInWords(exit) }
}

function crashOf(
  { reason, words }: Fault,
  { code, signal }: Exit,
  { lost, kept }: Interruption,
  retryMs: number | undefined,
): EngineCrash {
  const failed = lost.filter((loss) => loss.reason !== 'cancelled').length
  const message = `the engine's process ${words}`
  return { reason, message, signal, exitCode: code, failed, kept, retryMs }
}

function failureOf(loss: Loss, fault: Fault): EngineEvent {
  if (loss.reason === 'cancelled') return cancelledOf(loss)
  const { id, phase, reason } = loss
  const message = lossInWords(fault.words, reason)
  return { kind: 'error', id, code: 'ERR_ENGINE_CRASHED', message, phase }
}

/** The client knows that it cancelled it, and says so. */
function cancelledOf({ id, phase }: Loss): EngineEvent {
  return { kind: 'error', id, code: 'ERR_CANCELLED', message: 'it was cancelled', phase }
}
