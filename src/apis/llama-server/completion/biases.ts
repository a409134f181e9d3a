import * as z from 'zod'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import { aBias, aTokenId } from '../../../options/request-options.js'
import type { ScopedEngine } from '../../../web/scoped-engine.js'

/** A token by its id, or a text of which each token is meant; and what is added to its logit. */
type WrittenBias = readonly [of: number | string, bias: number]

const biasesMax = 1024
/** llama-server's `false` is "never": as much as this leaves no other choice. */
const never = -100
const expected =
  `at most ${biasesMax} pairs such as [29871, -1.5], of a token id or a text, and ` +
  `${aBias.expected} or false; or an object of those`

/** llama-server's `logit_bias`: pairs, or an object, by ids or by texts. */
export const logitBias = z.unknown().transform((value, context): WrittenBias[] => {
  const pairs: unknown = isRecord(value) ? pairsOf(value) : value
  const isShort = Array.isArray(pairs) && pairs.length <= biasesMax
  const read = isShort ? pairs.map(readPair) : [undefined]
  const wrong = read.indexOf(undefined)
  if (wrong < 0) return read as WrittenBias[]
  context.issues.push({ code: 'custom', message: expected, path: [], input: value })
  return z.NEVER
})

/** Digits are an id here, as a key cannot be a number. In a pair they are a text. */
function pairsOf(biases: Record<string, unknown>): unknown {
  const keys = Object.keys(biases)
  if (keys.length > biasesMax) return undefined
  return keys.map((key) => [/^\d{1,10}$/.test(key) ? Number(key) : key, biases[key]])
}

function readPair(pair: unknown): WrittenBias | undefined {
  if (!Array.isArray(pair) || pair.length !== 2) return undefined
  const [of, given] = pair as [unknown, unknown]
  const bias = given === false ? never : given
  if (!aBias.accepts(bias)) return undefined
  return typeof of === 'string' || aTokenId.accepts(of) ? [of, bias] : undefined
}

/** The same by ids alone. */
export async function biasesOf(
  engine: ScopedEngine,
  written: readonly WrittenBias[],
): Promise<Record<number, number>> {
  const biases: Record<number, number> = {}
  for (const [of, bias] of written) {
    const tokens =
      typeof of === 'number' ? [of] : await engine.tokenize(of, { parseSpecial: false })
    for (const token of tokens) biases[token] = bias
  }
  return biases
}
