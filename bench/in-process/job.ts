/** What a child process is to do; it comes as JSON in its first argument. */
export interface Job {
  /** The module with the API to measure. */
  module: string
  model: string
  sequences: number
  /** Of each reply. */
  tokens: number
  context: number
  threads: number
  /** Sluice tries by itself how many are best otherwise. */
  fixesThreads: boolean
  kvType: 'f16' | 'q8_0'
  temperature: number
  /** Sluice only: a model that drafts, and how many tokens a step where that is fixed. */
  draft?: string
  draftMax?: number
  /** Sluice only: to look up what followed the same words before. */
  lookup?: boolean
  /** Random words otherwise. */
  prompt?: string
  /** What every reply is the beginning of, if that is known. */
  reply?: string
}

/** And what it writes to stdout. */
export interface Outcome {
  /** From the first call until the last reply's end. */
  tokensPerSecond: number
}

export function readJob(): Job {
  return JSON.parse(process.argv[2] ?? '')
}

/** Runs the replies together, once to warm up and once for the figure. */
export async function timed(runAll: () => Promise<number>): Promise<void> {
  await runAll()
  const start = performance.now()
  const tokens = await runAll()
  const outcome: Outcome = { tokensPerSecond: (tokens / (performance.now() - start)) * 1000 }
  process.stdout.write(JSON.stringify(outcome))
}
