import { load } from 'sluice'

// Loads what it is told to, has a short reply or a vector of it, and says how that ended.
process.on('message', async ({ path, usual, text }) => {
  const options = usual ? {} : { context: 64, parallel: 2 }
  try {
    const engine = await load({ model: path, threads: 1, ...options })
    try {
      await use(engine, text)
      process.send('answered')
    } catch (error) {
      process.send(nameOf(error))
    } finally {
      await engine.close()
    }
  } catch (error) {
    process.send(nameOf(error))
  }
})
process.send('ready')

async function use(engine, text) {
  if (engine.model.embedding !== undefined) return engine.embed(['A fox by the  sea'])
  const prompt = text ? 'A fox by the  sea' : [1, 2, 3]
  return engine.complete(prompt, { maxTokens: 3, ignoreEos: true }).text()
}

/** A fault that has no code is one of ours. */
function nameOf(error) {
  return error.code ?? `no code: ${error.stack}`
}
