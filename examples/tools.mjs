// Tools as a loop: the model calls functions of yours, reads what they return, and answers.
import { load, runTools } from 'sluice'

// A model that calls tools, such as Qwen3. The small model of the package does not.
const engine = await load({ model: process.argv[2] ?? 'model.gguf' })

const city = { type: 'string', description: 'Name of the city' }
const run = runTools(engine, [{ role: 'user', content: 'What is the weather like in Paris?' }], {
  tools: {
    get_weather: {
      description: 'Tells the weather of a city',
      parameters: { type: 'object', properties: { city }, required: ['city'] },
      run: async ({ city }) => ({ city, sky: 'clear', celsius: 21 }),
    },
  },
})
for await (const { text, toolResult } of run) {
  if (toolResult) console.log(toolResult.name, toolResult.arguments, toolResult.content)
  process.stdout.write(text)
}

const { finishReason, rounds, usage } = await run.done
console.log(`\n(${finishReason} after ${rounds.length} replies, ${usage.completionTokens} tokens)`)
await engine.close()
