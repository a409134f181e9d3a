import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import type { FromEngine, StartMessage, ToEngineBatch } from './messages.js'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  /** Why it was not started. */
  readonly error?: Error
}

export interface ProcessListener {
  onMessage(message: FromEngine): void
  /** The last, once. */
  onExit(exit: Exit): void
}

/** An engine's process, as its parent has it. */
export interface EngineProcess {
  send(batch: ToEngineBatch): void
  /** Whether it keeps the parent's event loop alive. Unreferenced at creation. */
  ref(): void
  unref(): void
  /** At once. Twice is safe. */
  kill(): void
}

/** Throws where the system refuses at once, as for want of memory. Else `onExit` tells. */
export type StartsProcess = (start: StartMessage, listener: ProcessListener) => EngineProcess

/** How long the messages of a process that has ended are waited for. */
const lastWordsMs = 1000

/** @param program the path of child.cjs */
export function startsChild(program: string): StartsProcess {
  return (start, listener) => new Child(program, start, listener)
}

class Child implements EngineProcess {
  readonly #child: ChildProcess
  readonly #listener: ProcessListener
  #exit: Exit | undefined
  #isTold = false

  constructor(program: string, start: StartMessage, listener: ProcessListener) {
    this.#listener = listener
    const child = fork(program, [], options())
    this.#child = child
    child.on('message', (message) => {
      if (!this.#isTold) listener.onMessage(message as FromEngine)
    })
    child.once('exit', (code, signal) => this.#onExit({ code, signal }))
    child.once('disconnect', () => this.#tell())
    child.on('error', (error) => {
      // Later ones are of messages to a process that has ended, which 'exit' tells of.
      if (child.pid === undefined) this.#onExit({ code: null, signal: null, error })
    })
    this.unref()
    this.#send(start)
  }

  send(batch: ToEngineBatch): void {
    this.#send(batch)
  }

  ref(): void {
    this.#child.ref()
    this.#child.channel?.ref()
  }

  unref(): void {
    this.#child.unref()
    this.#child.channel?.unref()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #send(message: StartMessage | ToEngineBatch): void {
    if (!this.#child.connected) return
    this.#child.send(message, undefined, undefined, () => undefined) // 'exit' tells
  }

  /** What it said last may still be in the channel. */
  #onExit(exit: Exit): void {
    this.#exit ??= exit
    if (this.#child.connected) setTimeout(() => this.#end(), lastWordsMs).unref()
    else this.#end()
  }

  /** The channel is empty, and closed. */
  #tell(): void {
    if (this.#exit !== undefined) this.#end()
  }

  #end(): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#listener.onExit(this.#exit as Exit)
  }
}

/**
 * Nothing of the parent's command line, such as an inspector's port. Of its environment all but the
 * same. Its stdin and stdout are the parent's own business; what llama.cpp says before it aborts is
 * on stderr.
 */
function options(): ForkOptions {
  const given: ForkOptions & { windowsHide: boolean } = {
    serialization: 'advanced',
    execArgv: [],
    env: childEnvironment(process.env),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    windowsHide: true,
  }
  return given
}

const inspector = /^--(inspect|debug)([-_]\w+)*(=|$)/
/** Of which the value may be the next word. */
const valued = /^--(inspect|debug)[-_](port|publish[-_]uid)$/

/** Two processes cannot listen on one inspector's port. */
export function childEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: options, ...rest } = environment
  if (options === undefined) return rest
  const words = wordsOf(options)
  const kept = words.filter((word, i) => {
    return !inspector.test(unquoted(word)) && !valued.test(unquoted(words[i - 1] ?? ''))
  })
  return { ...rest, NODE_OPTIONS: kept.join(' ') }
}

/** As Node splits them: at spaces that are not in quotes, within which a backslash escapes. */
function wordsOf(options: string): string[] {
  return options.match(/("(\\.|[^"\\])*"?|[^ "])+/gs) ?? []
}

function unquoted(word: string): string {
  return word.replace(/"((?:\\.|[^"\\])*)"?/gs, (_, text: string) => text.replace(/\\(.)/gs, '$1'))
}
