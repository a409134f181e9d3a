import type { ServerOptions } from '../../src/http/index.js'
import { templateText } from './agents/session.js'
import { answerModel } from './models/answer-model.js'
import { turnModel } from './models/turn-model.js'
import { type ServedReal, serveReal } from './serve-real.js'

const thoughts = '<think>\nShall I HALT? No.\n</think>\n\n'
const call = '{"name": "get_weather", "arguments": {"city": "Oslo (NO)"}}'

/**
 * The model of the programs in test/e2e/programs, as a file: it thinks and calls get_weather, and
 * once it was told, thinks and answers with a form.
 */
export function clientModel(): string {
  return turnModel({
    turns: [
      { mark: 'Oslo (NO)', reply: `${thoughts}<tool_call>\n${call}\n</tool_call>` },
      {
        mark: '"isSunny"',
        reply: `${thoughts}{"city":"Oslo (NO)","isSunny":true,"note":"do not HALT"}`,
      },
    ],
    chatTemplate: templateText('Qwen-Qwen3-0.6B.jinja'),
  })
}

/** A server for them. */
export function serveClients(options: Partial<ServerOptions> = {}): Promise<ServedReal> {
  const engine = { model: clientModel(), context: 32_768, parallel: 2, queue: 0 }
  return serveReal(engine, { apiKeys: ['your-api-key'], ...options })
}

/**
 * The model of the programs that ask for decisions, which is told what is right: the customer wants
 * money back and says no thanks, billing is their team, and they are annoyed.
 */
export function decidingModel(): string {
  const told = [
    { mark: 'want money back', says: 'yes' },
    { mark: 'say thanks', says: 'no' },
    ...['A', 'B', 'C'].flatMap((label) => [
      { mark: `${label}: billing`, says: label },
      { mark: `${label}: annoyed`, says: label },
      // A level of the AI SDK by OpenAI's words: its label is its place.
      { mark: `${label}: 1 (annoyed)`, says: label },
    ]),
  ]
  return answerModel({ told })
}

/** A server for them. */
export function serveDecider(options: Partial<ServerOptions> = {}): Promise<ServedReal> {
  const engine = { model: decidingModel(), parallel: 2, queue: 8 }
  return serveReal(engine, { apiKeys: ['your-api-key'], ...options })
}
