import { createRequire } from 'node:module'
import { load } from 'sluice'

// Jest must end all the same, without --forceExit.
test('an engine that nobody closes keeps no process alive', async () => {
  const engine = await load({
    model: createRequire(import.meta.url).resolve('sluice/models/storyteller.gguf'),
  })
  const reply = engine.chat([{ role: 'user', content: 'Hello' }], { maxTokens: 5 })
  expect(await reply.text()).toMatch(/\w/)
})
