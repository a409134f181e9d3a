import './failing.mjs'
import { setTimeout } from 'node:timers/promises'
import { load } from 'sluice'
import { ask, model } from './common.mjs'

// One engine after the other, each with its fault one place later: SWEEP is KIND:FIRST:LAST:STEP.
// Whatever fails, whoever waits is told an error with a code, and the engine can be closed.

const [kind, first, last, step] = process.env.SWEEP.split(':')
const outcomes = {}
const note = (what) => {
  outcomes[what] = (outcomes[what] ?? 0) + 1
}
const codeOf = ({ code, message }) => code ?? `no code: ${message}`

for (let at = Number(first); at <= Number(last); at += Number(step)) {
  process.env.SLUICE_TEST_FAULT = `${kind}:${at}`
  try {
    const engine = await load({ model, parallel: 2, threads: 2, draft: process.env.DRAFT })
    await use(engine)
    if (!(await isEmpty(engine))) note('requests that have no end')
    await engine.close()
    note(`end ${(await engine.ended)?.cause?.code ?? 'closed'}`)
  } catch (error) {
    note(`load ${codeOf(error)}`)
  }
}
process.send(outcomes)
process.disconnect()

/** Whether all requests have ended, or do within a minute: some steps, on a machine with time. */
async function isEmpty(engine) {
  for (let turn = 0; turn < 12_000; turn++) {
    const { queued, running, parked, started, finished, cancelled, failed } = engine.stats()
    if (engine.closed) return true // whoever waited was told
    const left = queued + running + parked + (started - finished - cancelled - failed)
    if (left === 0) return true
    await setTimeout(5)
  }
  return false
}

async function use(engine) {
  const told = (promise) =>
    promise.then(
      () => note('done'),
      (error) => note(codeOf(error)),
    )
  if (engine.model.embedding !== undefined) {
    await Promise.all([told(engine.embed('the fox')), told(engine.embed(['a', 'b c']))])
    return
  }
  const few = { maxTokens: 8, logprobs: 1 }
  // The faults are counted from the first call on: chats after it are prepared among them.
  await told(engine.complete('the', { maxTokens: 1 }).text())
  await Promise.all([
    told(engine.chat(ask, few).text()),
    told(engine.chat(ask, few).text()),
    told(
      engine.complete('the fox went home', { ...few, n: 2, grammar: 'root ::= [a-z ]+' }).text(),
    ),
    told(engine.tokenize('a story')),
  ])
}
