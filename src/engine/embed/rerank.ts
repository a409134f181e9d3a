import type { RerankOptions, RerankResult } from '../../api/embedding-types.js'
import type { EngineClient } from '../engine-client.js'
import type { PromptCount } from '../queue/prompt-count.js'
import { embeddedBy } from './embed.js'

/** Has an engine that ranks score each document, unless the signal fires. */
export async function rerank(
  client: EngineClient,
  query: string,
  documents: readonly string[],
  { topN = documents.length, ...asker }: RerankOptions,
  count: PromptCount,
): Promise<RerankResult> {
  const pairs = documents.map((document) => ({ query, document }))
  const { values, promptTokens } = await embeddedBy(client, pairs, asker, count)
  const scored = Array.from(values, (score, index) => ({ index, score }))
  const ranked = scored.sort((a, b) => b.score - a.score || a.index - b.index)
  return { results: ranked.slice(0, topN), usage: { promptTokens } }
}
