import { load } from 'sluice'
import { ask, endless, model } from './common.mjs'

const engine = await load({ model })
for await (const _ of engine.chat(ask, endless)) throw new Error('thrown on purpose')
