import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { eventually } from '../eventually.js'

const module = pathToFileURL(resolve('test/support/reliability/tells-memory.mjs'))

/** For the environment of a program of Node's whose memory heldBytes() is to tell. */
export const tellsMemory = { NODE_OPTIONS: `--import=${module}` }

/**
 * Bytes that each of these processes holds, a second after a full collection: resident memory less
 * the room that V8 has for objects to come. That goes up and down by tens of MiB, as V8 likes.
 */
export async function heldBytes(pids: readonly number[]): Promise<number[]> {
  const files = pids.map((pid) => join(tmpdir(), `sluice-memory-${pid}`))
  for (const file of files) rmSync(file, { force: true })
  for (const pid of pids) process.kill(pid, 'SIGUSR2')
  await eventually(() => files.every((file) => existsSync(file)), 'no memory is told', 30_000)
  const held = files.map((file) => JSON.parse(readFileSync(file, 'utf8')).bytes as number)
  for (const file of files) rmSync(file)
  return held
}
