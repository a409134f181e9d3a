import { load } from 'sluice'
import { createServer } from 'sluice/http'

async function main() {
  const engine = await load({ model: process.argv[2] })
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  console.log('health', (await fetch(`${url}/health`)).status)
  await server.drain()
  await engine.close()
}

main()
