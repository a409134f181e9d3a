import { type Engine, type EngineStats, load, type ReplyPart, SluiceError } from 'sluice'
import {
  createServer,
  type RequestListener,
  requestListener,
  type ServerOptions,
} from 'sluice/http'

async function textOf(engine: Engine): Promise<string> {
  const parts: ReplyPart[] = []
  const reply = engine.chat([{ role: 'user', content: 'Tell me a story' }], { maxTokens: 20 })
  for await (const part of reply) parts.push(part)
  return parts.map(({ text }) => text).join('')
}

async function main(model: string): Promise<void> {
  await using engine = await load({ model, onProgress: (fraction: number) => void fraction })
  const listener: RequestListener = requestListener({ engine })
  const options: ServerOptions = { engine, port: 0 }
  const { running }: EngineStats = engine.stats()
  await using server = createServer(options)
  await server.listen()
  const words = (await textOf(engine)).split(' ').length
  console.log(typeof listener, running, words > 5)
}

main(process.argv[2] ?? '').catch((error: unknown) => {
  console.log(error instanceof SluiceError ? error.code : error)
})
