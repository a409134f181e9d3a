// PROGRAM MODEL: generates an object by the provider of the AI SDK, and says whether it came.
import { load } from 'sluice'
import { createSluice } from 'sluice/ai-sdk'

async function main() {
  const engine = await load({ model: process.argv[2] })
  const schema = { type: 'object', properties: { fox: { const: 'red' } }, required: ['fox'] }
  const { content } = await createSluice(engine)().doGenerate({
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'Which fox?' }] }],
    responseFormat: { type: 'json', schema },
    maxOutputTokens: 100,
  })
  console.log('object', JSON.parse(content[0].text).fox === 'red')
  await engine.close()
}

main()
