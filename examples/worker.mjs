// The engine in a worker thread: the main thread asks, and gets the reply as messages.
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { load } from 'sluice'

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url))
  worker.postMessage('Tell me a story about a fox')
  worker.on('message', (text) => process.stdout.write(text))
  worker.on('exit', (code) => console.log(`\n(the worker ended with ${code})`))
} else {
  const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
  const engine = await load({ model })
  parentPort?.once('message', async (content) => {
    const reply = engine.chat([{ role: 'user', content }], { maxTokens: 300 })
    for await (const part of reply) parentPort?.postMessage(part.text)
    await engine.close() // nothing holds the worker then, and it ends
  })
}
