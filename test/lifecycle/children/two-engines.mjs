import { load } from 'sluice'
import { model } from './common.mjs'

// Two engines on one file write at once, each what it writes alone; one is closed while the other
// one writes, which is not disturbed.
const greedy = { temperature: 0, maxTokens: 100, ignoreEos: true }
const prompts = ['the fox went home', 'the sea was calm']
const write = (engine, prompt) => engine.complete(prompt, greedy).text()

const one = await load({ model })
const alone = [await write(one, prompts[0]), await write(one, prompts[1])]
const two = await load({ model })
const beside = await Promise.all([write(one, prompts[0]), write(two, prompts[1])])

const long = two.complete(prompts[0], { ...greedy, maxTokens: 2000 })
await long.accepted
await one.close()
const rest = (await long.text()).startsWith(alone[0])
const third = await load({ model }) // after its weights' first owner has gone
const again = await write(third, prompts[1])
await Promise.all([two.close(), third.close()])
const same = beside[0] === alone[0] && beside[1] === alone[1] && again === alone[1]
process.send({ same, rest, differ: alone[0] !== alone[1] }, () => process.disconnect())
