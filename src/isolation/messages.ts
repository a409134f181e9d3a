import type {
  EngineCommand,
  EngineEvent,
  EngineSnapshot,
  NativeEngineOptions,
} from '../binding/engine-port.js'

/** What crosses between an engine's process and the one that asks it: plain data. */

/** The first message to it. */
export interface StartMessage {
  /** The addon, and the folders of further backends. */
  readonly file: string
  readonly folders: string[]
  readonly options: NativeEngineOptions
  /** How often it says that it goes on, while it has something to do. */
  readonly beatMs: number
  /**
   * Between two messages of it while several replies run, each of which takes both processes' time;
   * longer where they are many.
   */
  readonly restMs: number
}

export type ToEngine =
  | EngineCommand
  | { kind: 'credit'; id: number; tokens: number }
  | { kind: 'cancel'; id: number }

/** Each later message to it: all that was asked in one turn of the event loop. */
export type ToEngineBatch = readonly ToEngine[]

/** Each message from it. */
export interface FromEngine {
  readonly events: EngineEvent[]
  readonly snapshot: EngineSnapshot
  /** How many messages it has had. */
  readonly received: number
}
