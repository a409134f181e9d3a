import type { ServerOptions } from '../../src/http/index.js'
import { answerModel } from './models/answer-model.js'
import { type ServedReal, serveReal } from './serve-real.js'

/**
 * A server for what asks for decisions, whose model is told what is right: the customer wants
 * money back and says no thanks, billing is their team, and they are annoyed.
 */
export function serveDecider(options: Partial<ServerOptions> = {}): Promise<ServedReal> {
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
  const engine = { model: answerModel({ told }), parallel: 2, queue: 8 }
  return serveReal(engine, { apiKeys: ['your-api-key'], ...options })
}
