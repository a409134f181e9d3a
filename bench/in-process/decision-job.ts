import { words } from '../client/prompts.js'

/** What a child process is to decide; it comes as JSON in its first argument. */
export interface DecisionJob {
  /** The module with the API to measure. */
  module: string
  model: string
  /** Questions that are computed together. */
  sequences: number
  context: number
  threads: number
  /** Sluice tries by itself how many are best otherwise. */
  fixesThreads: boolean
  stateTokens: number
  questions: number
}

/** And what it writes to stdout. */
export interface DecisionOutcome {
  /** From the call until all answers are there. */
  decideMs: number
}

export function readDecisionJob(): DecisionJob {
  return JSON.parse(process.argv[2] ?? '')
}

/** Asks about a state, once to warm up and once, about another one, for the figure. */
export async function timedDecision(
  { stateTokens, questions }: DecisionJob,
  decide: (state: string, questions: string[]) => Promise<unknown>,
): Promise<void> {
  const asked = Array.from({ length: questions }, () => `${words(12)}?`)
  await decide(words(stateTokens), asked)
  const state = words(stateTokens)
  const start = performance.now()
  await decide(state, asked)
  const outcome: DecisionOutcome = { decideMs: performance.now() - start }
  process.stdout.write(JSON.stringify(outcome))
}
