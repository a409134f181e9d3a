import { setTimeout as sleep } from 'node:timers/promises'
import { chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { llamaCommand, sluiceCommand } from '../servers/commands.js'
import type { Samples } from '../servers/pair.js'
import { type ServerCommand, ServerProcess } from '../servers/server-process.js'
import { type BenchCase, modelsOf, serverSettings } from './bench-case.js'

const retryMs = 5
const deadlineMs = 60_000

const metrics = {
  cold: { label: 'spawn to first token', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

export const coldStart: BenchCase = {
  name: 'cold-start',
  about: 'from spawning the server until the first token of a short prompt',
  async run(options) {
    const rows: Row[] = []
    for (const model of modelsOf(options, 'tiny', 'small')) {
      // Its warm-up run would only delay the first token.
      const own = { parallel: 4, context: 2048, llamaFlags: ['--no-warmup'] }
      const settings = serverSettings(options, model, own)
      const commands = { sluice: sluiceCommand(settings), rival: await llamaCommand(settings) }
      const samples: Samples<{ cold: number }> = { sluice: [], rival: [] }
      for (let round = 0; round < options.rounds; round++) {
        samples.sluice.push({ cold: await firstToken(commands.sluice) })
        samples.rival.push({ cold: await firstToken(commands.rival) })
      }
      const heading = { case: 'cold-start', model, situation: 'file in the page cache' }
      rows.push(...rowsOf(heading, metrics, samples))
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
      return await chat(port, { messages: ask(16), maxTokens: 1 }).firstText
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(retryMs)
    }
  }
}
