import { spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createServer } from '../../../src/http/index.js'
import { type LoadOptions, load } from '../../../src/index.js'
import { writeGguf } from '../models/gguf-writer.js'
import { turnModelContent } from '../models/turn-model.js'
import { installed } from '../packages/installed.js'
import { type Recorded, recordExchanges } from '../recorder.js'
import { tapWire } from '../wire/tap.js'
import { type Address, type Agent, contextTokens } from './agents.js'
import { repliedText } from './asked.js'
import { markOf, stepsOf, turnsOf } from './plan.js'

/** What an agent did and was answered. */
export interface Session {
  exchanges: Recorded[]
  /** What the server sent that OpenAI's declarations don't have. */
  problems: string[]
  /** What the agent's program printed, each time it was started. */
  outputs: string[]
  /** Of its folder, by name; a folder within is the empty text. */
  files: Record<string, string>
}

const starts = 6
/** Where llama.cpp's tree has real chat templates. */
export const templateFolder = path.join(
  process.env.LLAMA_CPP_DIR ?? fileURLToPath(import.meta.resolve('../../../deps/llama.cpp')),
  'models/templates',
)
const agentMs = 5 * 60_000

export function templateText(name: string): string {
  return readFileSync(path.join(templateFolder, name), 'utf8')
}

/** What an agent is asked to do. */
export interface Task {
  /** Tokens of the server's context. */
  readonly context: number
  /** Of its folder, by name. */
  readonly files: Readonly<Record<string, string>>
  readonly ask: string
  readonly steps: typeof stepsOf
}

const tenTurns: Task = {
  context: contextTokens,
  files: { 'notes.txt': 'One fact.\nTwo facts.\nThree facts.\n' },
  ask: 'Read notes.txt, and write a summary and a list.',
  steps: stepsOf,
}

/**
 * Has an agent do a task, in a folder and a home of its own. Where it stops before the task's
 * last turn, as some do after a reply that was cut, it is told to go on.
 */
export async function runAgent(agent: Agent, task = tenTurns): Promise<Session> {
  const modules = path.join(installed(agent.packages), 'node_modules')
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), `sluice-${agent.name}-`)))
  const [home, work] = [path.join(folder, 'home'), path.join(folder, 'work')]
  try {
    mkdirSync(work)
    writeAll(work, task.files)
    const steps = task.steps(agent.tools, work)
    const model = path.join(folder, 'turns.gguf')
    const turns = turnsOf(steps, agent.format)
    const { metadata, tensors } = turnModelContent({ turns, tokenizer: 'gpt-2' })
    writeGguf(model, metadata, tensors)
    const outputs: string[] = []
    const served = { model, chatTemplate: templateText(agent.template), context: task.context }
    const { exchanges, problems } = await servedTo(served, async (address, exchanges) => {
      writeAll(home, agent.files(address))
      const env = { ...environment(home), ...agent.env?.(address) }
      const last = markOf(steps.length - 1)
      while (!isSaid(exchanges, last) && outputs.length < starts) {
        const isFirst = outputs.length === 0
        const ask = isFirst ? task.ask : 'Please go on.'
        outputs.push(await outputOf(agent.command(modules, ask, isFirst), work, env))
      }
    })
    return { exchanges, problems, outputs, files: filesOf(work) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs `client` against a server that records what they say to each other. */
async function servedTo(
  served: LoadOptions,
  client: (address: Address, exchanges: readonly Recorded[]) => Promise<void>,
): Promise<Pick<Session, 'exchanges' | 'problems'>> {
  const engine = await load({ ...served, parallel: 2 })
  const server = createServer({ engine, port: 0 })
  const exchanges = recordExchanges(server.server)
  const problems = tapWire(server.server)
  try {
    const { url } = await server.listen()
    await client({ baseURL: `${url}/v1`, model: 'default' }, exchanges)
    return { exchanges, problems: problems() }
  } finally {
    await server.close()
    await engine.close()
  }
}

export function writeAll(home: string, files: Readonly<Record<string, string>>): void {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(home, file)), { recursive: true })
    writeFileSync(path.join(home, file), content)
  }
}

/** Of what lies in a folder, by name; a folder within is the empty text. */
function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { withFileTypes: true }).map((entry) => [
      entry.name,
      entry.isFile() ? readFileSync(path.join(folder, entry.name), 'utf8') : '',
    ]),
  )
}

/** Whether a reply has said it. */
function isSaid(exchanges: readonly Recorded[], mark: string): boolean {
  return exchanges.some(({ answer }) => repliedText(answer).includes(mark))
}

/** Nothing of this process's, and no way out of this machine but to ports that nobody serves. */
export function environment(home: string): Record<string, string> {
  const nowhere = 'http://127.0.0.1:9'
  return {
    PATH: process.env.PATH ?? '',
    HOME: home,
    TMPDIR: home,
    NO_COLOR: '1',
    DO_NOT_TRACK: '1',
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    NO_PROXY: '127.0.0.1,localhost',
  }
}

/** What a program printed, its errors, and how it ended, a line each. */
export async function outputOf(
  [program = '', ...args]: string[],
  cwd: string,
  env: Record<string, string>,
  longestMs = agentMs,
): Promise<string> {
  // A group of its own: agents start servers, which would outlive them.
  const child = spawn(program, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(`exit ${code ?? signal}`))
  })
  const timer = setTimeout(() => end(child.pid), longestMs)
  child.once('exit', () => end(child.pid))
  const said = await Promise.all([text(child.stdout), text(child.stderr), ended])
  clearTimeout(timer)
  return said.join('\n')
}

function end(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: all of it has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
