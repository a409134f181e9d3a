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
  /** Of a state and questions whose answers are nobody's business, for time. */
  timed?: { stateTokens: number; questions: number }
  /** Whose right answers are known. */
  known?: readonly KnownDecision[]
}

export interface KnownDecision {
  state: string
  questions: readonly KnownQuestion[]
}

/** With choices one of them is right, else yes or no. */
export interface KnownQuestion {
  instructions: string
  choices?: readonly string[]
  /** What the answer goes on with, of an interface that can be told. */
  begins?: string
  right: string | boolean
}

/** What it writes to stdout, of the one or the other. */
export interface DecisionTime {
  /** From the call until all answers are there. */
  decideMs: number
}
export interface DecisionSense {
  /** Answers that are right, in percent. */
  right: number
}

/** Of each question the answer that is likeliest. */
type Decide = (
  state: string,
  questions: readonly Omit<KnownQuestion, 'right'>[],
) => Promise<(string | boolean)[]>

export function readDecisionJob(): DecisionJob {
  return JSON.parse(process.argv[2] ?? '')
}

export async function runDecisions(job: DecisionJob, decide: Decide): Promise<void> {
  const outcome = job.known
    ? await sense(job.known, decide)
    : await time(job.timed ?? { stateTokens: 0, questions: 0 }, decide)
  process.stdout.write(JSON.stringify(outcome))
}

async function sense(known: readonly KnownDecision[], decide: Decide): Promise<DecisionSense> {
  let right = 0
  let asked = 0
  for (const { state, questions } of known) {
    const answers = await decide(state, questions)
    right += questions.filter((question, i) => question.right === answers[i]).length
    asked += questions.length
  }
  return { right: (100 * right) / asked }
}

/** Asks about a state, once to warm up and once, about another one, for the figure. */
async function time(
  { stateTokens, questions }: NonNullable<DecisionJob['timed']>,
  decide: Decide,
): Promise<DecisionTime> {
  const asked = Array.from({ length: questions }, () => ({ instructions: `${words(12)}?` }))
  await decide(words(stateTokens), asked)
  const state = words(stateTokens)
  const start = performance.now()
  await decide(state, asked)
  return { decideMs: performance.now() - start }
}
