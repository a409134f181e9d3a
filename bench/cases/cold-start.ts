import { setTimeout as sleep } from 'node:timers/promises'
import { Stop } from '../../scripts/support/stop.mjs'
import { chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { endChild, startChild } from '../servers/children.js'
import { llamaCommand, runArguments, sluiceCommand } from '../servers/commands.js'
import { alternately } from '../servers/pair.js'
import { cleanEnvironment, type ServerCommand, ServerProcess } from '../servers/server-process.js'
import { type BenchCase, modelsOf, serverSettings } from './bench-case.js'

/** Short beside what is measured. More often, the asking would take a core from the server. */
const retryMs = 2
const deadlineMs = 60_000

const serveMetrics = {
  cold: { label: 'spawn to first token', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

const runMetrics = {
  byte: { label: 'run to first byte', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

/** llama-server has nothing like `run`: beside it is what Node alone takes to print a byte. */
const nodeAlone = ['-e', "process.stdout.write('x')"]

export const coldStart: BenchCase = {
  name: 'cold-start',
  about: 'from spawning until the first token of a short prompt, of a server and of `sluice run`',
  async run(options) {
    const rows: Row[] = []
    for (const model of modelsOf(options, 'tiny', 'small')) {
      // Its warm-up run would only delay the first token.
      const own = { parallel: 4, context: 2048, llamaFlags: ['--no-warmup'] }
      const settings = serverSettings(options, model, own)
      const rival = await llamaCommand(settings)
      const served = await alternately(
        options.rounds,
        async () => ({ cold: await firstToken(sluiceCommand(settings)) }),
        async () => ({ cold: await firstToken(rival) }),
      )
      const ran = await alternately(
        options.rounds,
        async () => ({ byte: await firstByte(runArguments(settings.model, 'Tell me')) }),
        async () => ({ byte: await firstByte(nodeAlone) }),
      )
      const heading = { case: 'cold-start', model, situation: 'file in the page cache' }
      rows.push(...rowsOf(heading, serveMetrics, served))
      rows.push(...rowsOf({ ...heading, rival: 'node alone' }, runMetrics, ran))
    }
    return rows
  },
}

async function firstToken(command: ServerCommand): Promise<number> {
  const start = performance.now()
  const server = await ServerProcess.spawn(command)
  try {
    return (await firstAnswer(server.port, start + deadlineMs)) - start
  } finally {
    await server.stop()
  }
}

/** Asks again and again: at first the port is closed, then the answer is that the model loads. */
async function firstAnswer(port: number, deadline: number): Promise<number> {
  for (;;) {
    try {
      return await chat(port, { messages: ask(16), maxTokens: 8 }).firstText
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(retryMs)
    }
  }
}

/** Of what Node writes to a pipe with these arguments. */
async function firstByte(args: string[]): Promise<number> {
  const start = performance.now()
  const child = startChild(process.execPath, args, {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    for await (const _ of child.stdout ?? []) return performance.now() - start
    throw new Stop(`nothing came from: node ${args.join(' ')}`)
  } finally {
    await endChild(child)
  }
}
