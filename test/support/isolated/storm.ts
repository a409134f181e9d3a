import fs from 'node:fs'
import path from 'node:path'
import { postJson } from '../serve.js'
import { chunksOf, textOf } from '../sse.js'
import { engineProcess, healthy, type Isolated, startIsolated } from './served.js'

/** Of 32 streams, of which 8 have a slot. */
export const seeds = Array.from({ length: 32 }, (_, i) => i)

/** How a streamed reply came to its end. */
export interface Heard {
  readonly seed: number
  readonly status: number
  readonly text: string
  /** The code of its error; undefined of a reply that is whole. */
  readonly code: string | undefined
  readonly message: string
}

/** Far more than an engine makes until somebody has heard that it is at it. */
const tokens = 320

/** Replies that are always the same: see "Where texts are exactly equal" in ARCHITECTURE.md. */
export const exactArgs = [
  '--parallel',
  '8',
  '--queue',
  '64',
  '--kv-type',
  'q8_0',
  '--context',
  '512',
]

/** One reply of a seed. Each seed has a prompt of its own, so that no two texts are alike. */
export async function stream({ url }: Isolated, seed: number): Promise<Heard> {
  const content = `Tell me story number ${seed}`
  const body = {
    model: 'default',
    messages: [{ role: 'user', content }],
    stream: true,
    seed,
    max_tokens: tokens,
    ignore_eos: true,
  }
  const response = await postJson(url, '/v1/chat/completions', body)
  const said = await response.text()
  const isStream = response.status === 200
  const error = isStream
    ? chunksOf(said).find((chunk) => chunk.error)?.error
    : JSON.parse(said).error
  if (error === undefined && !said.endsWith('data: [DONE]\n\n')) {
    throw new Error(`the stream of seed ${seed} ended without an end: ${said.slice(-300)}`)
  }
  return {
    seed,
    status: response.status,
    text: isStream ? textOf(withoutError(said)) : '',
    code: error?.code ?? undefined,
    message: error?.message ?? '',
  }
}

const withoutError = (said: string) => said.replace(/data: \{"error".*\n\n/, '')

/** The texts of seeds, of an engine that nothing disturbs. */
export async function quietTexts(served: Isolated, seeds: readonly number[]) {
  const heard = await Promise.all(seeds.map((seed) => stream(served, seed)))
  return new Map(heard.map(({ seed, text }) => [seed, text]))
}

/**
 * A server whose engine will fail as `fault` says, and the texts of before. Only the next process
 * reads the plan, as it starts: it is there and healthy. A fault at the 300th token meets eight
 * replies that have some 37 each, so that the server has heard of them, however slow it is.
 */
export async function aboutToFail(fault: string, folder: string) {
  const plan = path.join(folder, fault)
  const served = await startIsolated(exactArgs, { fault: `@${plan}` })
  const texts = await quietTexts(served, seeds)
  fs.writeFileSync(plan, fault)
  const first = await engineProcess(served)
  process.kill(first, 'SIGKILL')
  await engineProcess(served, first)
  await healthy(served)
  return { served, texts, plan }
}

/**
 * What is wrong about replies that an engine's death went through: each is whole and as it is when
 * nothing happens, or has an error and a beginning of that, and one that never began is answered.
 */
export function faultsOf(heard: readonly Heard[], texts: ReadonlyMap<number, string>): string[] {
  return heard.flatMap(({ seed, status, text, code, message }) => {
    const whole = texts.get(seed) ?? ''
    if (code === undefined) return text === whole ? [] : [`seed ${seed} says ${text}`]
    const faults: string[] = []
    if (code !== 'engine_crashed') faults.push(`seed ${seed} fails: ${status} ${code}`)
    if (!whole.startsWith(text)) faults.push(`seed ${seed} is cut, and says ${text}`)
    if (!message.includes('this reply had begun')) faults.push(`seed ${seed} is lost: ${message}`)
    return faults
  })
}
