// Loads on a machine whose GPUs are made up (SLUICE_TEST_DEVICES), one engine after the other or
// beside each other, and prints what came of each as a line of JSON. Its argument is JSON: a list
// of { options, prompt?, embed?, cancelsPrefill?, doctor? }. With a second argument, bytes, all of
// them load at once, and so much of the system's memory is free.
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../../..')
const { useBinding } = await import(path.join(root, 'dist/binding/binding.js'))
const { load, estimate } = await import(path.join(root, 'dist/index.js'))
const { examine } = await import(path.join(root, 'dist/cli/doctor/examine.js'))
const addon = createRequire(import.meta.url)(path.join(root, 'build/Release/devices/sluice.node'))
useBinding(addon)

const jobs = JSON.parse(process.argv[2] ?? '[]')
const engines = []
const freeBytes = process.argv[3]
if (freeBytes === undefined) {
  for (const job of jobs) console.log(JSON.stringify(await outcome(job)))
} else {
  os.freemem = () => Number(freeBytes)
  for (const found of await Promise.all(jobs.map(outcome))) console.log(JSON.stringify(found))
}
for (const engine of engines) await engine.close()

async function outcome({ options, prompt, embed, cancelsPrefill, doctor }) {
  const { model, ...rest } = options
  if (doctor) return { report: await examine(model, rest) }
  const told = []
  try {
    // An estimate that fails as the load will is told by the load.
    const expected = await estimate(model, rest).catch(({ code }) => ({ code }))
    const engine = await load({ ...options, onWarning: (warning) => told.push(warning.code) })
    engines.push(engine)
    const { settings, placement } = engine
    const found = { settings, placement, told, expected }
    if (embed !== undefined) return { ...found, vectors: await vectors(engine, embed) }
    const reply = engine.complete(prompt ?? 'the fox', { temperature: 0, maxTokens: 24 })
    if (cancelsPrefill) return { ...found, cancelled: await cancelled(engine, reply) }
    return { ...found, text: await reply.text() }
  } catch ({ code, message }) {
    return { told, code, message }
  }
}

async function vectors(engine, inputs) {
  const { embeddings } = await engine.embed(inputs)
  return embeddings.map((values) => Array.from(values))
}

/** Cancels when some of the prompt is computed: calls begun after that, and what was computed. */
async function cancelled(engine, reply) {
  await reply.accepted
  while (engine.stats().steps === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  reply.cancel()
  const { steps } = engine.stats() // behind it: who reads them may be put aside for some
  const { finishReason, usage } = await reply.done
  const after = engine.stats()
  return { finishReason, usage, callsAfter: after.steps - steps, rows: after.rowsDecoded }
}
