import { load } from 'sluice'
import { fetchHandler } from 'sluice/http'
import { model, streamsAndLeaves } from './common.mjs'

// The handler in the runtime's own server, as docs/fetch.md has it. Node has none, and calls it.
const { Bun, Deno } = globalThis
const engine = await load({ model })
const handler = fetchHandler({ engine })
const { url, stop, send } = start()

function start() {
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

await streamsAndLeaves(engine, url, send)

const refused = { headers: { Origin: 'https://evil.example' } }
console.log(
  'door',
  (await send(`${url}/v1/models`)).status,
  (await send(`${url}/v1/models`, refused)).status,
)

await handler.drain()
await stop()
await engine.close()
console.log('drained')
