import { load } from 'sluice'
import { ask, endless, model } from './common.mjs'

const engine = await load({ model })
const { usage } = await engine.chat(ask, { ...endless, maxTokens: 500 }).done
process.send({ tokens: usage.completionTokens }, () => process.disconnect())
