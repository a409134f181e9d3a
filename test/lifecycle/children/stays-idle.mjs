import { load } from 'sluice'
import { ask, model } from './common.mjs'

const engine = await load({ model })
await engine.chat(ask, { maxTokens: 20 }).text()
