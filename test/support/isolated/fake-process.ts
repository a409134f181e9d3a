import type { EnginePort, NativeEngineOptions } from '../../../src/binding/engine-port.js'
import type {
  EngineProcess,
  Exit,
  ProcessListener,
  StartsProcess,
} from '../../../src/isolation/engine-process.js'
import type { FromEngine, StartMessage, ToEngineBatch } from '../../../src/isolation/messages.js'
import { ServedEngine } from '../../../src/isolation/served-engine.js'

type Opens = (options: NativeEngineOptions, wake: () => void) => EnginePort

/** Starts what behaves as processes of engines do, in this one. */
export class FakeProcesses {
  /** All that were started, in order. */
  readonly all: FakeProcess[] = []
  /** Set to have the next ones not start: which is told later, or thrown at once. */
  startError: Error | undefined
  startThrows = false
  /** Set to have the next ones hang from their start on. */
  startsHung = false
  readonly #open: Opens

  constructor(open: Opens) {
    this.#open = open
  }

  readonly starts: StartsProcess = (start, listener) => {
    if (this.startThrows && this.startError !== undefined) throw this.startError
    const one = new FakeProcess(start, listener, this.#open, this.startError)
    one.isHung = this.startsHung
    this.all.push(one)
    return one
  }

  get last(): FakeProcess {
    const one = this.all.at(-1)
    if (one === undefined) throw new Error('no process was started yet')
    return one
  }
}

/** Messages arrive later, as copies; what it said before it died arrives, and nothing after. */
export class FakeProcess implements EngineProcess {
  readonly start: StartMessage
  isReferenced = false
  /** A process that hangs hears nothing and says nothing, and can be killed. */
  isHung = false
  /** How often it was told something, beside its start. */
  batches: ToEngineBatch[] = []
  #engine: EnginePort | undefined
  #served: ServedEngine | undefined
  isDead = false
  readonly #listener: ProcessListener

  constructor(start: StartMessage, listener: ProcessListener, open: Opens, error?: Error) {
    this.start = structuredClone(start)
    this.#listener = listener
    if (error !== undefined) {
      this.die({ code: null, signal: null, error })
      return
    }
    setImmediate(() => {
      if (this.isDead) return
      const wakes = (wake: () => void) => {
        this.#engine = open(this.start.options, wake)
        return this.#engine
      }
      this.#served = new ServedEngine(wakes, { ...this.start, restMs: 0 }, (...said) =>
        this.#say(...said),
      )
    })
  }

  send(batch: ToEngineBatch): void {
    const copy = structuredClone(batch)
    this.batches.push(copy)
    setImmediate(() => {
      if (!this.isDead && !this.isHung) this.#served?.receive(copy)
    })
  }

  ref(): void {
    this.isReferenced = true
    this.#engine?.ref() // so that tests of the engine's own see it
  }

  unref(): void {
    this.isReferenced = false
    this.#engine?.unref()
  }

  kill(): void {
    this.die({ code: null, signal: 'SIGKILL' })
  }

  die(exit: Exit): void {
    if (this.isDead) return
    this.isDead = true
    this.#served?.stop()
    setImmediate(() => this.#listener.onExit(exit))
  }

  #say(message: FromEngine, isLast: boolean): void {
    if (this.isDead || this.isHung) return
    const copy = structuredClone(message)
    setImmediate(() => this.#listener.onMessage(copy))
    if (isLast) setImmediate(() => this.die({ code: 0, signal: null }))
  }
}
