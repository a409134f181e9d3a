import { load } from 'sluice'
import { fetchHandler } from 'sluice/http'
import { model, servesWeb, streamsAndLeaves } from './common.mjs'

// The handler in the runtime's own server, as docs/fetch.md has it.
const engine = await load({ model })
const handler = fetchHandler({ engine })
const { url, stop, send } = servesWeb(handler)

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
