import { load } from 'sluice'
import { ask, model } from './common.mjs'

const engine = await load({ model })
console.log('read', (await engine.chat(ask, { maxTokens: 20 }).text()).length > 20)
// Never closed: an idle engine keeps nothing alive.
