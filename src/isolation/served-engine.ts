import type { EnginePort, EngineSnapshot } from '../binding/engine-port.js'
import type { FromEngine, StartMessage, ToEngineBatch } from './messages.js'

type Pace = Pick<StartMessage, 'beatMs' | 'restMs'>

/** Where more run, a message has more in it and a step takes longer: fewer are sent. */
const repliesPerRest = 40

/**
 * An engine in the process that is its own: takes what the other process asks, and tells it what
 * happens. It tells of the engine's state with each batch of events, and at an interval while
 * something goes on, so that silence means that this process hangs.
 */
export class ServedEngine {
  readonly #engine: EnginePort
  readonly #send: (message: FromEngine, isLast: boolean) => void
  readonly #pace: Pace
  #beat: NodeJS.Timeout | undefined
  #received = 1 // the message that started it
  #told: EngineSnapshot | undefined
  #toldAt = 0
  /** It is about to tell. */
  #isDue = false
  #isDone = false

  /** @param send its second argument says that nothing follows */
  constructor(
    open: (wake: () => void) => EnginePort,
    pace: Pace,
    send: (message: FromEngine, isLast: boolean) => void,
  ) {
    this.#pace = pace
    this.#send = send
    // Out of the addon's callback first: what is thrown inside it is swallowed.
    this.#engine = open(() => this.#tellSoon())
    this.#tell()
    this.#startBeat()
  }

  receive(batch: ToEngineBatch): void {
    if (this.#isDone) return
    this.#received++
    for (const message of batch) {
      if (message.kind === 'credit') this.#engine.credit(message.id, message.tokens)
      else if (message.kind === 'cancel') this.#engine.cancel(message.id)
      else this.#engine.post(message)
    }
    this.#startBeat()
  }

  /**
   * A lone reply's text is never held back. Of several, some steps' texts are one message: what
   * wakes meanwhile, after a beat has told of some, is told with the rest.
   */
  #tellSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    const tell = () => {
      this.#isDue = false
      this.#tell()
    }
    const waitMs = this.#toldAt + this.#restMs() - performance.now()
    if (waitMs >= 1) setTimeout(tell, waitMs)
    else setImmediate(tell)
  }

  #restMs(): number {
    const running = this.#told?.running ?? 0
    if (running < 2) return 0
    const { restMs, beatMs } = this.#pace
    return Math.max(restMs, Math.min(restMs * (running / repliesPerRest), beatMs / 4))
  }

  #tell(): void {
    if (this.#isDone) return
    this.#toldAt = performance.now()
    const events = this.#engine.drain()
    const snapshot = this.#engine.snapshot()
    this.#told = snapshot
    this.#isDone = events.some(({ kind }) => kind === 'closed')
    this.#send({ events, snapshot, received: this.#received }, this.#isDone)
    if (this.#isDone) this.stop() // its threads are done: this only joins them
  }

  /** Ends the engine. Nothing more is told. */
  stop(): void {
    this.#isDone = true
    clearInterval(this.#beat)
    this.#engine.end()
  }

  /** Until the engine has nothing to do, and that was told. */
  #startBeat(): void {
    this.#beat ??= setInterval(() => {
      if (performance.now() - this.#toldAt < this.#pace.beatMs / 2) return // it just did
      const before = this.#told
      this.#tell()
      const { busy, beats, preparerBeats } = this.#told as EngineSnapshot
      const isMoving = beats !== before?.beats || preparerBeats !== before?.preparerBeats
      if (busy || isMoving) return
      clearInterval(this.#beat)
      this.#beat = undefined
    }, this.#pace.beatMs)
  }
}
