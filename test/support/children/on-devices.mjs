// Loads on a machine whose GPUs are made up (SLUICE_TEST_DEVICES), one engine after the other or
// beside each other, and prints what came of each as a line of JSON. Its argument is JSON: a list
// of { options, prompt?, embed?, cancelAfterMs?, doctor? }.
import { createRequire } from 'node:module'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../../..')
const { useBinding } = await import(path.join(root, 'dist/binding/binding.js'))
const { load, estimate } = await import(path.join(root, 'dist/index.js'))
const { examine } = await import(path.join(root, 'dist/cli/doctor/examine.js'))
const addon = createRequire(import.meta.url)(path.join(root, 'build/Release/devices/sluice.node'))
useBinding(addon)

const jobs = JSON.parse(process.argv[2] ?? '[]')
const engines = []
for (const job of jobs) console.log(JSON.stringify(await outcome(job)))
for (const engine of engines) await engine.close()

async function outcome({ options, prompt, embed, cancelAfterMs, doctor }) {
  const { model, ...rest } = options
  if (doctor) return { report: await examine(model, rest) }
  const told = []
  try {
    const before = job(() => estimate(model, rest))
    const expected = await before
    const engine = await load({ ...options, onWarning: (warning) => told.push(warning.code) })
    engines.push(engine)
    const { settings, placement } = engine
    const found = { settings, placement, told, expected }
    if (embed !== undefined) return { ...found, vectors: await vectors(engine, embed) }
    const reply = engine.complete(prompt ?? 'the fox', { temperature: 0, maxTokens: 24 })
    if (cancelAfterMs !== undefined)
      return { ...found, cancelled: await cancelled(reply, cancelAfterMs) }
    return { ...found, text: await reply.text() }
  } catch ({ code, message }) {
    return { told, code, message }
  }
}

/** An estimate that fails as the load will is told by the load. */
async function job(start) {
  return start().catch(({ code }) => ({ code }))
}

async function vectors(engine, inputs) {
  const { embeddings } = await engine.embed(inputs)
  return embeddings.map((values) => Array.from(values))
}

/** Milliseconds from cancel() to the reply's end. */
async function cancelled(reply, afterMs) {
  await reply.accepted
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  const start = performance.now()
  reply.cancel()
  const { finishReason } = await reply.done
  return { finishReason, ms: performance.now() - start }
}
