import { load } from 'sluice'
import { model } from './common.mjs'

// Answers STATES_ASKS first and tells the texts. Then it computes new prompts, whose states are
// written behind, until it is killed, or at once ends where STATES_ENDS is set.

const engine = await load({
  model,
  cacheDir: process.env.STATES_DIR,
  context: 1024,
  parallel: 2,
  threads: 1,
  kvType: 'q8_0',
  onWarning: (warning) => process.send({ warning }),
})
const texts = []
for (const { prompt, ...options } of JSON.parse(process.env.STATES_ASKS)) {
  texts.push(await engine.complete(prompt, options).text())
}
const { diskReads, diskErrors, cachedTokens } = engine.stats()
process.send({ texts, diskReads, diskErrors, cachedTokens })
for (let i = 0; process.env.STATES_ENDS === undefined; i++) {
  const prompt = `${process.pid} ${i} `.repeat(100).slice(0, 900)
  await engine.complete(prompt, { maxTokens: 1 }).text()
}
await engine.close()
process.disconnect()
