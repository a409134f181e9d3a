import { isDeepStrictEqual } from 'node:util'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type {
  EngineCommand,
  EngineEvent,
  EnginePort,
  EngineSnapshot,
  NativeEngineOptions,
} from '../../src/binding/engine-port.js'
import type { NativeAddon } from '../../src/binding/native.js'
import { idleSnapshot } from './fake-engine.js'

/** How often the far side tells of the engine's state, besides with each batch of events. */
const snapshotEveryMs = 5

type Message =
  | EngineCommand
  | { kind: 'credit'; id: number; tokens: number }
  | { kind: 'cancel'; id: number }

interface Batch {
  events: EngineEvent[]
  snapshot: EngineSnapshot
}

/** An addon's Engine, each of which is at the other end of a channel. */
export function overChannel(Engine: NativeAddon['Engine']): NativeAddon['Engine'] {
  return class extends ChannelPort {
    constructor(options: NativeEngineOptions, wake: () => void) {
      super((wakeFar) => new Engine(copyOf(options), wakeFar), wake)
    }
  }
}

/**
 * The same engine at the other end of a MessageChannel: whatever is posted arrives later, and so
 * does what comes of it, each as a copy that `structuredClone` makes. As a child process would have
 * it, and nothing that works over this can depend on an answer at once.
 */
class ChannelPort implements EnginePort {
  readonly #engine: EnginePort
  readonly #near: MessagePort
  readonly #far: MessagePort
  readonly #beat: NodeJS.Timeout
  #events: EngineEvent[] = []
  #snapshot: EngineSnapshot = idleSnapshot
  #isWoken = false

  constructor(open: (wake: () => void) => EnginePort, wake: () => void) {
    const { port1: near, port2: far } = new MessageChannel()
    const engine = open(() => setImmediate(() => this.#send()))
    near.on('message', (batch: Batch) => {
      this.#events.push(...batch.events)
      this.#snapshot = batch.snapshot
      if (this.#events.length === 0 || this.#isWoken) return
      this.#isWoken = true
      wake()
    })
    far.on('message', (message: Message) => {
      if (message.kind === 'credit') engine.credit(message.id, message.tokens)
      else if (message.kind === 'cancel') engine.cancel(message.id)
      else engine.post(message)
    })
    near.unref()
    far.unref()
    this.#beat = setInterval(() => this.#send(), snapshotEveryMs).unref()
    this.#engine = engine
    this.#near = near
    this.#far = far
  }

  post(command: EngineCommand): void {
    this.#near.postMessage(checked<Message>(command))
  }

  credit(id: number, tokens: number): void {
    this.#near.postMessage(checked<Message>({ kind: 'credit', id, tokens }))
  }

  cancel(id: number): void {
    this.#near.postMessage(checked<Message>({ kind: 'cancel', id }))
  }

  drain(): EngineEvent[] {
    this.#isWoken = false
    return this.#events.splice(0)
  }

  snapshot(): EngineSnapshot {
    return this.#snapshot
  }

  ref(): void {
    this.#near.ref()
    this.#engine.ref() // so that tests of the engine's own see it
  }

  unref(): void {
    this.#near.unref()
    this.#engine.unref()
  }

  end(): void {
    clearInterval(this.#beat)
    this.#near.close()
    this.#engine.end()
  }

  #send(): void {
    const batch = { events: this.#engine.drain(), snapshot: this.#engine.snapshot() }
    this.#far.postMessage(checked(batch))
  }
}

/** What `structuredClone` would not keep as it is throws. */
function checked<T>(message: T): T {
  copyOf(message)
  return message
}

function copyOf<T>(message: T): T {
  const copy = structuredClone(message)
  if (isDeepStrictEqual(copy, message)) return copy
  throw new Error(`a copy is something else: ${JSON.stringify(message).slice(0, 500)}`)
}
