import type { EmbeddingModelV3, LanguageModelV3, ProviderV3 } from '@ai-sdk/provider'
import { load } from 'sluice'
import { createSluice, type SluiceLanguageModelOptions, type SluiceProvider } from 'sluice/ai-sdk'

async function main(): Promise<void> {
  await using engine = await load()
  const sluice: SluiceProvider = createSluice({ story: engine })
  const provider: ProviderV3 = sluice
  const model: LanguageModelV3 = sluice('story')
  const embedding: () => EmbeddingModelV3 = sluice.embeddingModel
  const own = { minP: 0.1, reasoning: { enabled: false } } satisfies SluiceLanguageModelOptions
  const { content } = await model.doGenerate({
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'Tell me a story' }] }],
    maxOutputTokens: 20,
    providerOptions: { sluice: own },
  })
  console.log(provider.specificationVersion, typeof embedding, content[0]?.type)
}

await main()
