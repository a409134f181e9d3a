import { load } from 'sluice'
import { model } from '../common.mjs'

const engine = await load({ model })
const inputs = Array.from({ length: 100 }, () => 'the fox went home '.repeat(100))
engine.embed(inputs).catch(() => undefined)
const turn = () => new Promise((resolve) => setImmediate(resolve))
while (engine.stats().running === 0) await turn()
// Within a call: turns of the loop alone do not beat that often.
const { beats } = engine.stats()
while (engine.stats().beats < beats + 10) await turn()
process.exit(7)
