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

/** Says whether a reply streams, and whether one whose reader leaves is cancelled. */
export async function streamsAndLeaves(engine, url, send = fetch) {
  const post = (signal, maxTokens) =>
    send(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        messages: ask,
        model: 'default',
        stream: true,
        max_tokens: maxTokens,
        ignore_eos: true, // a story may end before its reader leaves
      }),
      signal,
    })

  const story = await (await post(null, 40)).text()
  console.log('streamed', story.includes('"content":'), story.endsWith('data: [DONE]\n\n'))

  const controller = new AbortController()
  const { body } = await post(controller.signal, 900)
  const reader = body.getReader()
  await reader.read()
  controller.abort()
  await reader.closed.catch(() => undefined)
  while (engine.stats().cancelled === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  console.log('cancelled', engine.stats().running)
}

/** The runtime's own server of a web-standard handler. Node has none, and calls it. */
export function servesWeb(handler) {
  const { Bun, Deno } = globalThis
  if (Bun !== undefined) {
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 60, fetch: handler })
    return { url: server.url.origin, stop: () => server.stop(), send: fetch }
  }
  if (Deno !== undefined) {
    const options = { port: 0, hostname: '127.0.0.1', onListen: () => undefined }
    const server = Deno.serve(options, handler)
    const url = `http://127.0.0.1:${server.addr.port}`
    return { url, stop: () => server.shutdown(), send: fetch }
  }
  const send = (address, init) => handler(new Request(address, init))
  return { url: 'http://localhost', stop: () => undefined, send }
}
