import type { FitOptions } from '../api/fit-types.js'
import type { FitRules, KeepsMessage, KeptTurns } from '../api/types.js'
import {
  abortSignal,
  anOwner,
  type Check,
  type Checks,
  check,
  int32Max,
  integerFrom,
  isObject,
  numberFrom,
  parseFields,
  wrong,
} from './checks.js'

const keptTurns: Checks<KeptTurns> = {
  first: integerFrom(0, int32Max),
  last: integerFrom(1, int32Max),
}

const keep: Check<KeptTurns | KeepsMessage> = {
  ...check<KeptTurns | KeepsMessage>(
    'a function, or an object such as {"first": 1}',
    (value) => typeof value === 'function' || isObject(value),
  ),
  read: (value, path) => {
    return typeof value === 'function' ? value : parseFields<KeptTurns>(value, keptTurns, path)
  },
}

const fitRules: Checks<FitRules> = {
  reserve: integerFrom(0, int32Max),
  keep,
  retentionRatio: numberFrom(0, 1),
}

/** The chat option. */
export const fit: Check<boolean | FitRules> = {
  ...check<boolean | FitRules>('true, false or an object of rules', (value) => {
    return typeof value === 'boolean' || isObject(value)
  }),
  read: (value, path) => {
    return typeof value === 'boolean' ? value : parseFields<FitRules>(value, fitRules, path)
  },
}

/** Of `engine.fit` itself, beside those of the template. */
export const fitChecks: Checks<FitRules & Pick<FitOptions, 'owner' | 'signal'>> = {
  ...fitRules,
  owner: anOwner,
  signal: abortSignal,
}

/** Rules, of which some are left out. */
export type GivenRules = { readonly [Rule in keyof FitRules]: FitRules[Rule] | undefined }

/** Rules with their defaults settled. */
export interface SettledFit {
  /** Tokens that a prompt may have. */
  readonly room: number
  readonly contextTokens: number
  readonly keep: KeptTurns | KeepsMessage
  readonly retentionRatio: number
}

/**
 * @param maxTokens of the reply, where it has a limit
 * @param at the path that rules stand below, with its dot
 * @throws InvalidOptionError where nothing of the context is left for a prompt
 */
export function settleFit(
  { reserve, keep = {}, retentionRatio = 0.5 }: GivenRules,
  contextTokens: number,
  maxTokens = int32Max,
  at = '',
): SettledFit {
  if (reserve !== undefined && reserve >= contextTokens) {
    const expected = `less than the context of ${contextTokens} tokens`
    throw wrong(`${at}reserve`, expected, reserve)
  }
  const settled = reserve ?? Math.min(maxTokens, Math.floor(contextTokens / 4))
  const replyMin = maxTokens === 0 ? 0 : 1
  const room = contextTokens - Math.max(settled, replyMin)
  return { room, contextTokens, keep, retentionRatio }
}
