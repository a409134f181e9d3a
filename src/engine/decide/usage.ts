import type { DecideResult } from '../../api/decision-types.js'
import type { NativeChat } from '../../binding/engine-port.js'
import { type Asked, chatWith } from './prompts.js'
import type { PromptReading } from './reading.js'

type TokensOf = (chat: NativeChat) => Promise<Int32Array>

/**
 * Of each prompt: how many tokens it begins with that all of its kind begin with, whatever they
 * ask. So that two that ask the same are still two.
 */
export async function sharedTokens(
  state: NativeChat,
  asked: readonly Asked[],
  tokensOf: TokensOf,
): Promise<number[]> {
  if (asked.length < 2) return []
  const known = new Map<string, number>()
  for (const one of asked) {
    if (!known.has(one.introduction)) {
      known.set(one.introduction, await sharedByKind(state, one, tokensOf))
    }
  }
  return asked.map(({ introduction }) => known.get(introduction) ?? 0)
}

/** Told by two made-up questions, which part where a question begins. */
async function sharedByKind(
  state: NativeChat,
  { introduction, begins }: Asked,
  tokensOf: TokensOf,
): Promise<number> {
  const texts = introduction === '' ? ['', 'a'] : ['a', 'b'] // alone, a question may have no text
  const [a = [], b = []] = await Promise.all(
    texts.map((text) => tokensOf(chatWith(state, { introduction, text, begins }))),
  )
  const most = Math.min(a.length, b.length)
  let shared = 0
  while (shared < most && a[shared] === b[shared]) shared++
  return shared
}

/**
 * What prompts share counts once.
 * @param shared of each prompt; where it is not known, each counts as a whole
 */
export function usageOf(
  readings: readonly PromptReading[],
  shared: readonly number[],
): DecideResult['usage'] {
  let all = Math.max(0, ...shared)
  let computed = 0
  for (const [i, { promptTokens, cachedTokens }] of readings.entries()) {
    all += promptTokens - (shared[i] ?? 0)
    computed += promptTokens - cachedTokens
  }
  return { promptTokens: all, cachedTokens: Math.max(0, all - computed) }
}
