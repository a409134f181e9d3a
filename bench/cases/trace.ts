import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { figure } from '../report/table.js'
import { type ServerSettings, sluiceCommand } from '../servers/commands.js'
import { withServer } from '../servers/server-process.js'
import { type ServerWork, serverWork, workBetween } from '../servers/server-work.js'
import { type Load, runStreams, situationOf } from './streams.js'

/** Microseconds between two looks of V8's profiler. */
const profileEvery = 200

/** What runs on JavaScript's thread, by where its code is; the first that fits. */
const parts: readonly [name: string, where: RegExp][] = [
  ["the engine's client", /dist\/(engine|binding)\//],
  ['JSON of frames', /dist\/apis\//],
  ['calls and streams', /dist\/(http|web|host)\//],
  ['node:http and sockets', /^node:/],
  ['garbage', /^\(garbage collector\)/],
]
const rest = 'the addon, the kernel and the rest'

/**
 * What a token costs beyond llama_decode, step by step, in words: the engine's thread by its own
 * clock, JavaScript's by the kernel's, and what is in that by V8's profiler (in a run of its own,
 * which it slows down).
 */
export async function traceOf(settings: ServerSettings, load: Load): Promise<string> {
  const work = await workOf(settings, load)
  const perStep = (ms: number) => `${figure((ms * 1000) / work.steps)} us`
  const perToken = (ms: number) => `${figure((ms * 1000) / work.tokens)} us`
  const own = work.plan + work.sample + work.text + work.wake
  const shares = await javascriptShares(settings, load)
  const told = shares.map(([name, share]) => `${name} ${figure(share * 100)}%`)
  return [
    `${path.basename(settings.model)}, ${situationOf(load, 0)}, a step of the engine's thread:`,
    `  llama_decode ${perStep(work.compute)}; beyond it ${perStep(own)}: sampling ` +
      `${perStep(work.sample)}, text ${perStep(work.text)}, wake-ups ${perStep(work.wake)}, ` +
      `all else ${perStep(work.plan)}`,
    `  JavaScript's thread ${perStep(work.javascript)} a step, ${perToken(work.javascript)} a ` +
      `token; it slept ${figure(work.sleeps / work.steps)} times a step`,
    `  in it: ${told.join(', ')}`,
  ].join('\n')
}

function workOf(settings: ServerSettings, load: Load): Promise<ServerWork> {
  return withServer(sluiceCommand(settings), async (server) => {
    await runStreams(server.port, load, 0) // code is compiled then, memory touched
    const before = await serverWork(server)
    await runStreams(server.port, load, 0)
    return workBetween(before, await serverWork(server))
  })
}

/** How JavaScript's thread divides, in shares of 1; the time of two runs, the first one's too. */
async function javascriptShares(settings: ServerSettings, load: Load) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'))
  const command = sluiceCommand(settings)
  const flags = ['--cpu-prof', `--cpu-prof-interval=${profileEvery}`, `--cpu-prof-dir=${folder}`]
  const args = (port: number) => [...flags, ...command.args(port)]
  try {
    await withServer({ ...command, args }, async (server) => {
      for (let run = 0; run < 2; run++) await runStreams(server.port, load, 0)
      await server.stop('SIGTERM') // Node writes the profile as it ends
    })
    const [name] = fs.readdirSync(folder)
    if (name === undefined) return []
    return sharesOf(JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')))
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

interface CallFrame {
  functionName: string
  url: string
  /** From 0 on. */
  lineNumber: number
}

/** As V8 writes it: each look found a node, this long after the last look. */
interface Profile {
  nodes: { id: number; callFrame: CallFrame }[]
  samples: number[]
  timeDeltas: number[]
}

const bundles = new Map<string, string[]>()

/** The module that a line of the bundled command line is from: esbuild names each one. */
function sourceOf({ url, lineNumber }: CallFrame): string {
  if (!url.startsWith('file:')) return url
  const lines = bundles.get(url) ?? fs.readFileSync(new URL(url), 'utf8').split('\n')
  bundles.set(url, lines)
  const isName = (line: string) => /^\/\/ (dist|node_modules)\//.test(line)
  return lines.slice(0, lineNumber + 1).findLast(isName) ?? url
}

function sharesOf({ nodes, samples, timeDeltas }: Profile): [string, number][] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, number>()
  let all = 0
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id)
    if (!frame || frame.functionName === '(idle)') continue
    const place = frame.url === '' ? frame.functionName : sourceOf(frame)
    const part = parts.find(([, where]) => where.test(place))?.[0] ?? rest
    const time = timeDeltas[i] ?? 0
    times.set(part, (times.get(part) ?? 0) + time)
    all += time
  }
  const shares = [...times].map(([name, time]): [string, number] => [name, time / all])
  return shares.sort(([, a], [, b]) => b - a)
}
