import { load } from 'sluice'

export const model = process.argv[2]
export const ask = [{ role: 'user', content: 'Tell me a story' }]
/** As long as the context is. */
export const endless = { ignoreEos: true, maxTokens: 60_000 }

/** An engine, and a reply of it that is under way and read in the background. */
export async function decoding(options = {}) {
  const engine = await load({ model, ...options })
  const reply = engine.chat(ask, endless)
  reply.text().catch(() => undefined)
  await reply.accepted
  while (engine.stats().tokensGenerated < 20) await new Promise((resolve) => setTimeout(resolve, 1))
  return { engine, reply }
}

/** An engine with a long prompt under way. */
export async function prefilling() {
  const engine = await load({ model, context: 8192 })
  const reply = engine.complete('word '.repeat(2500), endless)
  await reply.accepted
  while (engine.stats().rowsPrefilled < 100) await new Promise((resolve) => setImmediate(resolve))
  return { engine, reply }
}
