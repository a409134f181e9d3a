import './failing.mjs'
import { load } from 'sluice'
import { ask, endless, model } from './common.mjs'

/** What an engine's end by itself looks like from everywhere. */
const codeOf = (promise) =>
  promise.then(
    () => 'done',
    ({ code, cause }) => `${code} ${cause?.code}`,
  )

process.on('unhandledRejection', (error) => process.send({ unhandled: String(error) }))
const engine = await load({ model, parallel: 2, draft: process.env.DRAFT || undefined })
const embeds = engine.model.embedding !== undefined
const asked = embeds
  ? [engine.embed('the fox'), engine.embed(Array(50).fill('a story'))]
  : [engine.chat(ask, endless).done, engine.complete('word '.repeat(900), endless).text()]
const underWay = await Promise.all(asked.map(codeOf))
const failure = await engine.ended
const after = await Promise.all([
  codeOf(engine.tokenize('a')),
  codeOf(engine.embed('a')),
  codeOf(engine.complete('a').done),
])
await engine.close()
await engine[Symbol.asyncDispose]()
process.send({
  underWay,
  after,
  code: failure?.code,
  message: failure?.message,
  cause: failure?.cause?.code,
  isKnown: failure === engine.failure && engine.closed,
  running: engine.stats().running + engine.stats().queued + engine.stats().parked,
})
process.disconnect()
