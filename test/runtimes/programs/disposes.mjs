import { load } from 'sluice'
import { ask, endless, model } from './common.mjs'

const engine = await load({ model })
const reply = engine.chat(ask, endless)
await reply.accepted
await engine[Symbol.asyncDispose]()
console.log('disposed', engine.closed, await reply.done.catch(({ code }) => code))
