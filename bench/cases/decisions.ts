import { runChild } from '../in-process/child.js'
import type {
  DecisionJob,
  DecisionSense,
  DecisionTime,
  KnownDecision,
} from '../in-process/decision-job.js'
import { inRoot } from '../paths.js'
import { type Metric, type Row, rowsOf } from '../report/row.js'
import { alternately } from '../servers/pair.js'
import { modelFile, modelThatIsTold } from '../setup/models.js'
import { nodeLlamaCpp } from '../setup/node-llama-cpp.js'
import { type BenchCase, type BenchOptions, modelsOf } from './bench-case.js'

const stateTokens = 1000
const context = 2048
const deadlineMs = 180_000
const storyteller = inRoot('models/storyteller.gguf')

const time = {
  decideMs: { label: 'all answers', unit: 'ms', better: 'lower' },
} satisfies Record<string, Metric>

const sense = {
  right: { label: 'right answers', unit: '%', better: 'higher' },
} satisfies Record<string, Metric>

export const decisions: BenchCase = {
  name: 'decisions',
  about: 'questions about one state of 1,000 tokens, against node-llama-cpp’s decide()',
  async run(options) {
    const rival = await nodeLlamaCpp()
    const known = await senseRows(options, rival)
    const rows: Row[] = []
    const questions = options.quick ? 8 : 32
    for (const name of modelsOf(options, 'small')) {
      for (const sequences of [4, 32]) {
        const job = { ...jobOf(options), model: modelFile(name), sequences }
        const timed = { ...job, timed: { stateTokens, questions } }
        const samples = await both<DecisionTime>(options.rounds, timed, rival, 'decideMs')
        const situation = `${questions} questions, ${sequences} at once`
        const heading = { case: 'decisions', model: name, situation, rival: 'node-llama-cpp' }
        rows.push(...rowsOf(heading, time, samples))
      }
    }
    return [...rows, ...known]
  },
}

/** How many answers are right, where that is known. They are the same in each round. */
async function senseRows(options: BenchOptions, rival: string): Promise<Row[]> {
  const { file, known: told } = modelThatIsTold()
  const cases = [
    { model: 'told', situation: '32 predicates', file, known: told },
    { model: 'embedded', situation: 'lists of 8 animals', file: storyteller, known: animals() },
    {
      model: 'embedded',
      situation: 'animals; `begins`, which Sluice alone has',
      file: storyteller,
      known: animals('This is a story about a'),
    },
  ]
  const rows: Row[] = []
  for (const { model, situation, file, known } of cases) {
    const job = { ...jobOf(options), model: file, context: 512, sequences: 4, known }
    const samples = await both<DecisionSense>(1, job, rival, 'right')
    const heading = { case: 'decisions', model, situation, rival: 'node-llama-cpp' }
    rows.push(...rowsOf(heading, sense, samples))
  }
  return rows
}

function jobOf({ threads, fixesThreads }: BenchOptions) {
  return { context, threads, fixesThreads }
}

/** Each in a new process. */
function both<Outcome>(
  rounds: number,
  job: Omit<DecisionJob, 'module'>,
  rival: string,
  first: keyof Outcome & string,
) {
  const child = (script: string, module: string) =>
    runChild<Outcome>(script, { ...job, module }, first, deadlineMs)
  return alternately(
    rounds,
    () => child('sluice-decides.js', inRoot('dist/index.js')),
    () => child('node-llama-cpp-decides.js', rival),
  )
}

/** What the embedded model was trained for: stories. */
function animals(begins?: string): KnownDecision[] {
  const choices = ['fox', 'bear', 'cat', 'dog', 'mouse', 'rabbit', 'owl', 'duck']
  const instructions = 'Which animal is the story about?'
  const beginning = begins === undefined ? {} : { begins }
  return choices.map((right) => ({
    state: `Tell me a story about a ${right}`,
    questions: [{ instructions, choices, ...beginning, right }],
  }))
}
