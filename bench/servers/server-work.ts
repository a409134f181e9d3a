import fs from 'node:fs'
import type { ServerProcess } from './server-process.js'

/** What Sluice's threads did since the start, in milliseconds, and how often. */
export interface ServerWork {
  steps: number
  tokens: number
  /** Of the engine's thread, by kind: `compute` is llama_decode. */
  plan: number
  compute: number
  sample: number
  text: number
  wake: number
  idle: number
  /** Of JavaScript's thread, the kernel's part of it included. */
  javascript: number
  /** How often that thread slept. */
  sleeps: number
}

/** Asks the server itself, and the kernel for what JavaScript's thread took. */
export async function serverWork({ port, pid }: ServerProcess): Promise<ServerWork> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  const page = await response.text()
  const value = (name: string) => {
    const line = page.split('\n').find((one) => one.startsWith(`sluice_${name}`))
    return Number(line?.split(' ').at(-1))
  }
  const ms = (work: string) => value(`engine_seconds_total{work="${work}"`) * 1000
  return {
    steps: value('engine_steps_total'),
    tokens: value('generation_tokens_total'),
    plan: ms('plan'),
    compute: ms('compute'),
    sample: ms('sample'),
    text: ms('text'),
    wake: ms('wake'),
    idle: ms('idle'),
    ...javascriptThread(pid),
  }
}

/** What was done between two looks. */
export function workBetween(before: ServerWork, after: ServerWork): ServerWork {
  const names = Object.keys(after) as (keyof ServerWork)[]
  const entries = names.map((name) => [name, after[name] - before[name]])
  return Object.fromEntries(entries) as Record<keyof ServerWork, number>
}

/** The main thread of a process has the process's number. */
function javascriptThread(pid: number): Pick<ServerWork, 'javascript' | 'sleeps'> {
  const read = (name: string) => fs.readFileSync(`/proc/${pid}/task/${pid}/${name}`, 'latin1')
  const nanoseconds = Number(read('schedstat').split(' ')[0])
  const sleeps = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(read('status'))?.[1]
  return { javascript: nanoseconds / 1e6, sleeps: Number(sleeps) }
}
