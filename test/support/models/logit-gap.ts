/**
 * How far the likeliest token's logit stands above the next one's. The API shows no logits, but
 * takes biases: the gap is above x where a bias of -x on the likeliest token leaves it that.
 * For models with the tiny tokenizer.
 */
import type { Engine } from '../../../src/index.js'
import { tinyTokenizer } from './tokenizers.js'

const one = { temperature: 0, maxTokens: 1, ignoreEos: true }

/** The contexts that the greedy continuation of `prompt` leads through: `count` of them. */
export async function contextsOf(engine: Engine, prompt: string, count: number): Promise<string[]> {
  const text = await engine
    .complete(prompt, { temperature: 0, maxTokens: count, ignoreEos: true })
    .text()
  return Array.from({ length: count }, (_, i) => {
    return prompt + text.slice(0, Math.floor((i * text.length) / count))
  })
}

/** In how many of the contexts, from 0 to 1, the gap is above `gap`. */
export async function shareAbove(engine: Engine, contexts: string[], gap: number): Promise<number> {
  const holds = await Promise.all(
    contexts.map(async (context) => {
      const likeliest = await engine.complete(context, one).text()
      const logitBias = { [idOf(likeliest)]: -gap }
      return (await engine.complete(context, { ...one, logitBias }).text()) === likeliest
    }),
  )
  return holds.filter((held) => held).length / holds.length
}

/** The median of the gaps, found by bisection: within 0.05 of it, at most 20. */
export async function medianGap(engine: Engine, contexts: string[]): Promise<number> {
  let [low, high] = [0, 20]
  while (high - low > 0.05) {
    const middle = (low + high) / 2
    if ((await shareAbove(engine, contexts, middle)) > 0.5) low = middle
    else high = middle
  }
  return low
}

const ids = new Map(
  tinyTokenizer().pieces.map((piece, id) => [Buffer.from(piece).toString('latin1'), id]),
)

export function idOf(text: string): number {
  const id = ids.get(text)
  if (id === undefined) throw new Error(`${JSON.stringify(text)} is no token of the tiny tokenizer`)
  return id
}
