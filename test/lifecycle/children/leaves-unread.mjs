import { load } from 'sluice'
import { ask, endless, model } from './common.mjs'

const engine = await load({ model })
await engine.chat(ask, endless).accepted
