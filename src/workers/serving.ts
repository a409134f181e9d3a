import { type ChildProcess, type ForkOptions, fork } from 'node:child_process'
import { EngineFailedError } from '../api/errors.js'
import type { NativeWorkerOptions } from '../binding/native.js'
import { childEnvironment } from '../isolation/engine-process.js'
import { Restarts } from '../isolation/restarts.js'
import { exitInWords } from '../isolation/words.js'

/** The first and only message to the process that serves. */
export interface ServeMessage {
  /** The addon, and the folders of further backends. */
  readonly file: string
  readonly folders: string[]
  readonly options: NativeWorkerOptions
}

interface Serving {
  /** The path of child.cjs. */
  readonly program: string
  readonly message: ServeMessage
  readonly stop: AbortSignal
  /** Told each time that the process died and is started again. */
  readonly onDeath: (words: string, retryMs: number) => void
}

/**
 * Serves devices from a process of its own, and starts it again where it dies, as an engine's.
 * Returns once `stop` is aborted, which ends it at once.
 * @throws EngineFailedError where it dies too often
 */
export async function serveFromProcess(serving: Serving): Promise<void> {
  const { stop, onDeath } = serving
  const restarts = new Restarts()
  while (!stop.aborted) {
    const words = await untilDeath(serving)
    if (stop.aborted) return
    const retryMs = restarts.next(performance.now())
    if (retryMs === undefined) throw new EngineFailedError(`the worker's process ${words}`)
    onDeath(words, retryMs)
    await pause(retryMs, stop)
  }
}

/** @returns how it ended, as the rest of a sentence */
function untilDeath({ program, message, stop }: Serving): Promise<string> {
  return new Promise((resolve) => {
    let said: string | undefined
    let child: ChildProcess
    const kill = (): void => {
      child.kill('SIGKILL')
    }
    const end = (words: string): void => {
      stop.removeEventListener('abort', kill)
      resolve(said === undefined ? words : `failed: ${said}`)
    }
    try {
      child = fork(program, [], options())
    } catch (error) {
      end(exitInWords({ code: null, signal: null, error: error as Error }))
      return
    }
    stop.addEventListener('abort', kill)
    child.on('message', (text) => {
      said = String(text)
    })
    child.once('close', (code, signal) => end(exitInWords({ code, signal })))
    child.once('error', (error) => {
      // Later ones are of a process that has ended, which 'close' tells of.
      if (child.pid === undefined) end(exitInWords({ code: null, signal: null, error }))
    })
    if (!child.connected) return // it was not started, which 'error' tells
    child.send(message, undefined, undefined, () => undefined) // 'close' tells
  })
}

/** What ggml prints of its clients goes where the log goes. */
function options(): ForkOptions {
  const given: ForkOptions & { windowsHide: boolean } = {
    execArgv: [],
    env: childEnvironment(process.env),
    stdio: ['ignore', 2, 2, 'ipc'],
    windowsHide: true,
  }
  return given
}

/** No longer than until `stop`. */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      stop.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    stop.addEventListener('abort', done)
    if (stop.aborted) done()
  })
}
