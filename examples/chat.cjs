// The same from CommonJS: require() takes ES modules from Node 20.19 and 22.12 on.
const { load } = require('sluice')

async function main() {
  const engine = await load({ model: require.resolve('sluice/models/storyteller.gguf') })
  try {
    const ask = 'Tell me a story about a fox'
    const reply = engine.chat([{ role: 'user', content: ask }], { maxTokens: 300 })
    for await (const part of reply) process.stdout.write(part.text)
    const { finishReason, usage } = await reply.done
    console.log(`\n(${finishReason}, ${usage.completionTokens} tokens)`)
  } finally {
    await engine.close()
  }
}

main()
