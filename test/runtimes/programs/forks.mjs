// A child process with an engine of its own, which answers by message.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { load } from 'sluice'
import { ask, model } from './common.mjs'

if (process.send === undefined) {
  const child = fork(fileURLToPath(import.meta.url))
  child.on('message', (message) => console.log('told', message.tokens))
  child.on('close', (code) => console.log('ended with', code))
} else {
  const engine = await load({ model })
  const { usage } = await engine.chat(ask, { maxTokens: 30, ignoreEos: true }).done
  await engine.close()
  process.send({ tokens: usage.completionTokens }, () => process.disconnect())
}
