// The process exits so that the engine's own listener of 'exit' is not the one that ends it. HOW it
// does so, and WHAT the engine does meanwhile.
const { HOW, WHAT } = process.env

// Before the engine is loaded, so that this one comes before its own.
process.on('exit', () => {
  if (HOW === 'throws-first') throw new Error('thrown on purpose')
  if (HOW === 'exits-first') process.exit(7)
})

await import('../failing.mjs')
const { estimate, load } = await import('sluice')
const { ask, decoding, endless, model, prefilling } = await import('../common.mjs')

const busy = {
  decode: () => decoding(),
  'many replies': async () => {
    const engine = await load({ model, parallel: 8 })
    for (let i = 0; i < 8; i++)
      engine
        .chat(ask, { ...endless, topP: 0.9 })
        .text()
        .catch(() => undefined)
    while (engine.stats().tokensGenerated < 40) await new Promise((go) => setTimeout(go, 1))
  },
  texts: async () => {
    const engine = await load({ model, parallel: 2 })
    const more = () =>
      engine.tokenize('Straße und 日本語 '.repeat(2000)).then(more, () => undefined)
    for (let i = 0; i < 4; i++) more()
    await new Promise((go) => setTimeout(go, 20))
  },
  prefill: () => prefilling(),
  'several engines': async () => {
    const engines = await Promise.all([decoding(), decoding({ parallel: 2 })])
    return engines
  },
  embedding: async () => {
    const engine = await load({ model })
    engine.embed(Array(100).fill('the fox went home '.repeat(100))).catch(() => undefined)
    while (engine.stats().running === 0) await new Promise((resolve) => setImmediate(resolve))
  },
  grammar: async () => {
    const engine = await load({ model })
    const schema = { type: 'array', items: { type: 'string', maxLength: 8 }, minItems: 4000 }
    engine
      .chat(ask, { ...endless, ignoreEos: false, schema })
      .text()
      .catch(() => undefined)
    while (engine.stats().tokensGenerated < 5) await new Promise((go) => setTimeout(go, 1))
  },
  load: () => new Promise((resolve) => load({ model, onProgress: resolve }).catch(resolve)),
  estimate: async () => {
    for (let i = 0; i < 4; i++) estimate(model).catch(() => undefined)
  },
}
await busy[WHAT]()

if (HOW === 'prepended-later') {
  process.prependListener('exit', () => {
    throw new Error('thrown on purpose')
  })
}
if (HOW === 'really-exits') process.reallyExit(7)
if (HOW === 'uncaught') throw new Error('thrown on purpose')
process.exit(HOW === 'throws-first' ? 0 : 7)
