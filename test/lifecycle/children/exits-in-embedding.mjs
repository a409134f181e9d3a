import { load } from 'sluice'
import { model } from './common.mjs'

const engine = await load({ model })
const inputs = Array.from({ length: 100 }, () => 'the fox went home '.repeat(100))
engine.embed(inputs).catch(() => undefined)
while (engine.stats().beats === 0) await new Promise((resolve) => setImmediate(resolve))
process.exit(7)
