import { pathToFileURL } from 'node:url'
import { words } from '../client/prompts.js'
import { sum } from '../report/statistics.js'
import { readJob, timed } from './job.js'

const job = readJob()
const sluice: typeof import('../../src/index.js') = await import(pathToFileURL(job.module).href)

const { model, context, kvType, sequences: parallel } = job
const threads = job.fixesThreads ? { threads: job.threads } : {}
const drafts = job.draft === undefined ? {} : { draft: job.draft }
const draftMax = job.draftMax === undefined ? {} : { draftMax: job.draftMax }
const lookup = job.lookup ?? false
const options = { model, parallel, context, kvType, lookup, ...threads, ...drafts, ...draftMax }
const engine = await sluice.load(options)
await timed(async () => sum(await Promise.all(Array.from({ length: parallel }, readOne))))
await engine.close()

async function readOne(): Promise<number> {
  const reply = engine.complete(job.prompt ?? words(32), {
    maxTokens: job.tokens,
    ignoreEos: true,
    temperature: job.temperature,
    ...{ topK: 40, topP: 0.95, minP: 0.05 },
  })
  let text = ''
  for await (const part of reply) text += part.text
  if (!text || job.reply?.startsWith(text) === false) {
    throw new Error(`not the text that was expected: ${text.slice(0, 200)}`)
  }
  return (await reply.done).usage.completionTokens
}
