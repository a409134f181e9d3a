const { load, SluiceError } = require('sluice')
const { createServer } = require('sluice/http')

async function main() {
  const engine = await load({ model: require.resolve('sluice/models/storyteller.gguf') })
  const reply = engine.chat([{ role: 'user', content: 'Tell me a story' }], { maxTokens: 20 })
  console.log('read', (await reply.text()).length > 20, typeof createServer, typeof SluiceError)
  const same = (await import('sluice')).load === load // not loaded twice
  console.log('same', same)
  await engine.close()
}

main()
