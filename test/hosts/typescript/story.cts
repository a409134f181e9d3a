import { type Engine, load, type ReplyPart, SluiceError } from 'sluice'
import { createServer } from 'sluice/http'

async function story(engine: Engine): Promise<string> {
  const parts: ReplyPart[] = []
  const reply = engine.chat([{ role: 'user', content: 'Tell me a story' }], { maxTokens: 20 })
  for await (const part of reply) parts.push(part)
  return parts.map(({ text }) => text).join('')
}

async function main(): Promise<void> {
  const model: string = process.argv[2] ?? ''
  const engine: Engine = await load({ model })
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  console.log('health', (await fetch(`${url}/health`)).status)
  console.log('words', (await story(engine)).split(' ').length > 5)
  await server.drain()
  await engine.close()
  await load({ model: 'nothing.gguf' })
}

main().catch((error: unknown) => console.log(error instanceof SluiceError && error.code))
