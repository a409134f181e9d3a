import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { chat } from '../client/chat.js'
import { ask, words } from '../client/prompts.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { type ServerSettings, sluiceCommand } from '../servers/commands.js'
import { alternately } from '../servers/pair.js'
import { withServer } from '../servers/server-process.js'
import { type BenchCase, contextFor, modelsOf, serverSettings } from './bench-case.js'

const systemWords = 2000
const questionWords = 16

const metrics = {
  first: { label: 'first token after a restart', unit: 'ms', better: 'lower' },
  cached: { label: 'cached tokens', unit: 'tokens', better: 'higher' },
} satisfies Record<string, Metric>

export const restart: BenchCase = {
  name: 'restart',
  about: 'the first request of a server with a system prompt of 2,000 tokens, with --cache-dir',
  async run(options) {
    const rows: Row[] = []
    for (const model of modelsOf(options, 'small')) {
      const context = contextFor(systemWords + questionWords + 64)
      const without = serverSettings(options, model, { parallel: 4, context })
      const cacheDir = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-restart-'))
      try {
        const system = words(systemWords)
        const stored = { ...without, cacheDir }
        await firstAnswer(stored, system)
        const samples = await alternately(
          options.rounds,
          () => firstAnswer(stored, system),
          () => firstAnswer(without, system),
        )
        const situation = 'another question than before the restart'
        const heading = { case: 'restart', model, situation, rival: 'without --cache-dir' }
        rows.push(...rowsOf(heading, metrics, samples))
      } finally {
        fs.rmSync(cacheDir, { recursive: true })
      }
    }
    return rows
  },
}

/** Of a server that is ready, and that ends well afterwards: so what it computed is written. */
function firstAnswer(settings: ServerSettings, system: string) {
  return withServer(sluiceCommand(settings), async (server) => {
    const messages = [{ role: 'system' as const, content: system }, ...ask(questionWords)]
    const call = chat(server.port, { messages, maxTokens: 8 })
    const first = await call.firstWait
    const { cachedTokens } = await call.done
    await server.stop('SIGTERM')
    return { first, cached: cachedTokens }
  })
}
