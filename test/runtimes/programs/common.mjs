import { fileURLToPath } from 'node:url'
import { load } from 'sluice'

export const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
export const ask = [{ role: 'user', content: 'Tell me a story' }]
export const endless = { ignoreEos: true, maxTokens: 900 }

/** An engine with a reply under way that is read in the background. */
export async function decoding() {
  const engine = await load({ model })
  const reply = engine.chat(ask, endless)
  reply.text().catch(() => undefined)
  while (engine.stats().tokensGenerated < 20) await new Promise((resolve) => setTimeout(resolve, 1))
  return { engine, reply }
}
