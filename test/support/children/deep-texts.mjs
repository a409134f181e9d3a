// Loads the model named by its first argument, with the addon named by its second one, and prints
// as JSON what became of ever longer words: { warnings, limit, longest, beyond, prompt, after }.
import { createRequire } from 'node:module'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../../..')
const { useBinding } = await import(path.join(root, 'dist/binding/binding.js'))
const { load } = await import(path.join(root, 'dist/index.js'))
const [model, addon] = process.argv.slice(2)
useBinding(createRequire(import.meta.url)(path.join(root, addon)))

const warnings = []
process.on('warning', ({ code, message }) => warnings.push({ code, message }))
const engine = await load({ model, threads: 1, parallel: 1, context: 256, cacheMiB: 0 })
const errorOf = (promise) =>
  promise.then(
    () => null,
    ({ code, message }) => ({ code, message }),
  )
const tooLong = await errorOf(engine.tokenize('a'.repeat(1_000_001)))
const limit = Number(/a run of over (\d+) bytes/.exec(tooLong.message)?.[1])
const longest = await errorOf(engine.tokenize('a'.repeat(limit)))
const beyond = await errorOf(engine.tokenize('a'.repeat(limit + 1)))
const prompt = await errorOf(engine.complete('a'.repeat(limit + 1), { maxTokens: 1 }).text())
const after = await engine.complete('the fox', { maxTokens: 3, temperature: 0 }).text()
await engine.close()
console.log(JSON.stringify({ warnings, limit, longest, beyond, prompt, after: after.length > 0 }))
