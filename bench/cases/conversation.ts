import { chat, type Message } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { type Metric, rowsOf } from '../report/row.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import { type BenchCase, contextFor, modelsOf, serverSettings } from './bench-case.js'

const firstWords = 1000
const replyTokens = 32
const nextWords = 16

const metrics = {
  first: { label: 'first token of turn 1', unit: 'ms', better: 'lower' },
  second: { label: 'first token of turn 2', unit: 'ms', better: 'lower' },
  cached: { label: 'cached tokens of turn 2', unit: 'tokens', better: 'higher' },
  left: { label: 'tokens of turn 2 that were computed', unit: 'tokens', better: 'lower' },
} satisfies Record<string, Metric>

export const conversation: BenchCase = {
  name: 'conversation',
  about: 'a prompt of 1,000 tokens, its reply, and a second turn upon both',
  async run(options) {
    const [model = 'small'] = modelsOf(options, 'small')
    const context = contextFor(firstWords + 3 * replyTokens + nextWords)
    const settings = serverSettings(options, model, { parallel: 4, context })
    const samples = await withPair(settings, (pair) => pair.measure(options.rounds, twoTurns))
    return rowsOf({ case: 'conversation', model, situation: '1,000 tokens' }, metrics, samples)
  },
}

async function twoTurns({ port }: ServerProcess) {
  const opening = ask(firstWords)
  const one = chat(port, { messages: opening, maxTokens: replyTokens })
  const reply: Message = { role: 'assistant', content: (await one.done).text }
  const messages = [...opening, reply, ...ask(nextWords)]
  const two = chat(port, { messages, maxTokens: replyTokens })
  const { promptTokens, cachedTokens } = await two.done
  return {
    first: await one.firstWait,
    second: await two.firstWait,
    cached: cachedTokens,
    left: promptTokens - cachedTokens,
  }
}
