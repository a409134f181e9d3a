// Three workers of node:cluster, each with a server at one port: of this package's command
// (`serve`), or of a program's own (`program`). Asks until each has answered, then ends them.

import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'

const [how, model] = process.argv.slice(2)
const workers = 3

if (cluster.isPrimary) {
  const command = fileURLToPath(new URL('../../../dist/cli/main.cjs', import.meta.url))
  const args = ['serve', '--port', '0', '--model', model, '--gpu-layers', '9']
  if (how === 'serve') cluster.setupPrimary({ exec: command, args })
  for (let i = 0; i < workers; i++) cluster.fork()
  let listening = 0
  cluster.on('listening', async (_, { port }) => {
    listening++
    if (listening < workers) return
    await eachAnswered(port)
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM')
  })
  cluster.on('exit', (_, code, signal) => console.log('ended', code, signal))
} else {
  const { load } = await import('../../../dist/index.js')
  const { createServer } = await import('../../../dist/http/index.js')
  const engine = await load({ model, gpuLayers: 9 })
  const server = createServer({ engine, port: 0 })
  await server.listen()
  process.once('SIGTERM', async () => {
    await server.drain()
    await engine.close()
    process.disconnect()
  })
}

/** Requests go round: as many replies in a row as there are workers are one of each. */
async function eachAnswered(port) {
  let inARow = 0
  while (inARow < workers) {
    const { status, isWhole } = await streamed(port)
    inARow = status === 200 && isWhole ? inARow + 1 : 0
    // `serve` listens before its model is loaded.
    if (status === 503) await new Promise((resolve) => setTimeout(resolve, 100))
    else if (!isWhole) throw new Error(`a reply with ${status} that is not whole`)
  }
  console.log('each answered')
}

async function streamed(port) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({
      model: 'default',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
    }),
  })
  const text = await response.text()
  return { status: response.status, isWhole: text.endsWith('[DONE]\n\n') }
}
