import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { eventually } from '../eventually.js'

const module = pathToFileURL(resolve('test/support/reliability/tells-memory.mjs'))

/** For the environment of a program of Node's whose memory heldBytes() is to tell. */
export const tellsMemory = { NODE_OPTIONS: `--import=${module}` }

/** Of a process, a second after a full collection. */
export interface Held {
  /**
   * Resident memory that the process itself has made, less the room that V8 has for objects to
   * come, which goes up and down by tens of MiB as V8 likes. Malloc's room is among it.
   */
  readonly bytes: number
  /** In use: objects of JavaScript and compiled code. */
  readonly heapBytes: number
  /**
   * In use, of malloc's: all else, buffers of JavaScript among it. Null where that is not known.
   */
  readonly mallocBytes: number | null
}

/** What each of these processes holds. */
export async function held(pids: readonly number[]): Promise<Held[]> {
  const files = pids.map((pid) => join(tmpdir(), `sluice-memory-${pid}`))
  for (const file of files) rmSync(file, { force: true })
  for (const pid of pids) process.kill(pid, 'SIGUSR2')
  await eventually(() => files.every((file) => existsSync(file)), 'no memory is told', 30_000)
  const told = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as Held)
  for (const file of files) rmSync(file)
  return told
}

export async function heldBytes(pids: readonly number[]): Promise<number[]> {
  return (await held(pids)).map(({ bytes }) => bytes)
}
