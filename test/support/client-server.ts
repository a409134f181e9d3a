import type { ServerOptions } from '../../src/http/index.js'
import { templateText } from './agents/session.js'
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
