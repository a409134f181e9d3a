// The AI SDK's decisions with our own provider, in process: `PROGRAM FOLDER MODEL`, a file.
import assert from 'node:assert/strict'
import { load } from 'sluice'
import { createSluice } from 'sluice/ai-sdk'
import { decisionChecks, questions, sdk } from './ai-decisions.mjs'
import { runChecks, thrown } from './checks.mjs'

const { experimental_decide: decide } = sdk
const engine = await load({ model: process.argv[3], parallel: 2, queue: 8 })
const sluice = createSluice(engine)
const model = sluice.decisionModel()
const asked = { model, state: 'I was charged twice.', questions, maxRetries: 0 }

await runChecks({
  ...decisionChecks('sluice', model),

  async 'the answers are those of engine.decide()'() {
    const { answers, usage, warnings, providerMetadata } = await decide(asked)
    const own = await engine.decide('I was charged twice.', [
      { type: 'predicate', instructions: questions.refund.instructions },
    ])
    assert.ok(Math.abs(answers.refund.probability - own.answers[0].probability) < 1e-3)
    assert.deepEqual(warnings, [])
    assert.equal(usage.outputTokens, 0)
    const { mass } = providerMetadata.sluice.answers.refund
    assert.ok(mass > 0 && mass <= 1)
  },

  async 'one order is half as much to ask'() {
    const once = await decide({ ...asked, providerOptions: { sluice: { orders: 1 } } })
    assert.equal(once.answers.team.choice, 'billing')
    assert.ok(once.usage.inputTokens < (await decide(asked)).usage.inputTokens)
  },

  async 'a question about boxes is refused by the SDK'() {
    const error = await thrown(decide({ ...asked, questions: { where: { type: 'box' } } }))
    assert.match(error.name, /UnsupportedQuestionType/)
  },

  async 'a registry of the SDK finds the model by its name'() {
    const registry = sdk.createProviderRegistry({ sluice })
    const found = registry.decisionModel(`sluice:${engine.model.id}`)
    assert.equal((await decide({ ...asked, model: found })).answers.team.choice, 'billing')
  },

  async 'who leaves ends what it asked for'() {
    const leave = new AbortController()
    const many = Array.from({ length: 400 }, (_, i) => [
      `${i}`,
      { type: 'boolean', instructions: `Is it ${i}?` },
    ])
    const state = 'a '.repeat(3000)
    const abortSignal = leave.signal
    const left = thrown(
      decide({ ...asked, state, questions: Object.fromEntries(many), abortSignal }),
    )
    while (engine.stats().running === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    leave.abort()
    assert.equal((await left).name, 'AbortError')
    while (engine.stats().running + engine.stats().queued > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.ok(engine.stats().started < 400)
  },
})
