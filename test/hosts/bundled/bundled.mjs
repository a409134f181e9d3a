import { load, SluiceError } from 'sluice'

async function main() {
  const engine = await load({ model: process.argv[2] })
  const reply = engine.chat([{ role: 'user', content: 'Tell me a story' }], { maxTokens: 20 })
  console.log('read', (await reply.text()).length > 20)
  await engine.close()
}

main().catch((error) => console.log(error instanceof SluiceError, error.code, error.message))
