// What Next's pages router does with examples/next-pages-api.mjs: the request is Node's own with
// its whole path, and the body is read before where the route does not say otherwise.
// Its path comes first, then the port, then `parsed` or `raw`.
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

const [route, port, how] = process.argv.slice(2)
const { default: handler } = await import(route)
const server = createServer(async (req, res) => {
  const query = { path: req.url.split('/').slice(3) }
  Object.assign(req, { query, cookies: {} })
  if (how === 'parsed' && req.method === 'POST') req.body = await json(req)
  handler(req, res)
})
server.listen(Number(port), '127.0.0.1', () => console.log('ready'))
process.once('SIGTERM', async () => {
  server.close()
  await globalThis.ai?.listener.drain()
  await (await globalThis.ai?.engine)?.close()
})
