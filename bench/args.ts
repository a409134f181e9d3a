import { parseArgs } from 'node:util'
import { Stop } from '../scripts/support/stop.mjs'
import type { BenchOptions } from './cases/bench-case.js'
import type { ModelName } from './setup/models.js'

export interface Arguments extends BenchOptions {
  help: boolean
  /** Names of cases; none stands for all. */
  cases: string[]
  /** Where the figures go, and where --page finds them. */
  json: string | undefined
  page: boolean
}

const models: readonly string[] = ['tiny', 'small', 'big'] satisfies ModelName[]
const kvTypes: readonly string[] = ['f16', 'q8_0']

const options = {
  case: { type: 'string', multiple: true, default: [] as string[] },
  model: { type: 'string' },
  rounds: { type: 'string' },
  threads: { type: 'string' },
  stock: { type: 'boolean', default: false },
  'kv-type': { type: 'string', default: 'f16' },
  json: { type: 'string' },
  quick: { type: 'boolean', default: false },
  page: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** @param cores what --threads is without being given */
export function parseArguments(
  argv: string[],
  known: { cases: readonly string[]; cores: number },
): Arguments {
  const given = valuesOf(argv)
  const names = given.case.flatMap((list) => list.split(','))
  for (const name of names) oneOf('--case', known.cases, name)
  const { quick, page, help, json, model, stock } = given
  const threads = count('--threads', given.threads)
  if (model !== undefined) oneOf('--model', models, model)
  return {
    ...{ quick, page, help, json, stock },
    cases: names,
    model: model as ModelName | undefined,
    kvType: oneOf('--kv-type', kvTypes, given['kv-type']) as Arguments['kvType'],
    rounds: count('--rounds', given.rounds) ?? (quick ? 1 : 3),
    threads: threads ?? known.cores,
    fixesThreads: threads !== undefined,
  }
}

function valuesOf(argv: string[]) {
  try {
    return parseArgs({ args: argv, options }).values
  } catch (error) {
    throw new Stop(`${(error as Error).message}\nnpm run bench -- --help lists what there is.`)
  }
}

function oneOf(flag: string, expected: readonly string[], got: string): string {
  if (expected.includes(got)) return got
  throw new Stop(`${flag} is one of ${expected.join(', ')}, not "${got}".`)
}

function count(flag: string, got: string | undefined): number | undefined {
  if (got === undefined) return undefined
  if (/^[1-9]\d{0,2}$/.test(got)) return Number(got)
  throw new Stop(`${flag} is a whole number from 1 to 999, not "${got}".`)
}

export function help(cases: readonly { name: string; about: string }[]): string {
  const list = cases.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`)
  return `npm run bench -- [options]

Measures Sluice against llama-server, built from the same llama.cpp, on this machine.

  --case NAMES     only these cases, with commas between
  --model NAME     tiny (5 MB), small (200 MB) or big (550 MB) for every case
  --quick          one round of short runs: whether it works, not how fast
  --rounds N       rounds of each run, both servers in turn (3; quick: 1)
  --threads N      compute threads of both servers (one per core; Sluice tries fewer itself)
  --stock          llama-server with its default flags, not the best ones
  --kv-type TYPE   f16 or q8_0, for both (f16)
  --json FILE      where the figures go (bench/results/latest.json)
  --page           measures nothing: writes docs/benchmarks.md and .svg from that file
  --help           this

Cases:
${list.join('\n')}

What is built, installed and written for it lies in ~/.cache/sluice-bench, or SLUICE_BENCH_DIR.`
}
