import { Hono } from 'hono'
import { load } from 'sluice'
import { fetchHandler } from 'sluice/http'
import { model, servesWeb, streamsAndLeaves } from './common.mjs'

// Hono's mount(), which cuts the path and hands on a request of its own making.
const engine = await load({ model })
const handler = fetchHandler({ engine })
const app = new Hono()
app.mount('/ai', handler)
const { url, stop, send } = servesWeb(app.fetch)

await streamsAndLeaves(engine, `${url}/ai`, send)
console.log('models', (await send(`${url}/ai/v1/models`)).status, (await send(`${url}/v1`)).status)

await handler.drain()
await stop()
await engine.close()
console.log('drained')
