import { load } from 'sluice'
import { createServer } from 'sluice/http'
import { model, streamsAndLeaves } from './common.mjs'

const engine = await load({ model })
const server = createServer({ engine, port: 0 })
const { url } = await server.listen()
await streamsAndLeaves(engine, url)

await server.drain()
await engine.close()
console.log('drained')
