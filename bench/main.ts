import os from 'node:os'
import { runMain, Stop } from '../scripts/support/stop.mjs'
import { help, parseArguments } from './args.js'
import type { BenchCase, BenchOptions } from './cases/bench-case.js'
import { cases } from './cases/index.js'
import { writePage } from './page/page.js'
import { inRoot } from './paths.js'
import { addResults, type Measured, readResults } from './report/results.js'
import { table } from './report/table.js'
import { watchOthers } from './servers/other-load.js'

/** Compute threads wait for each other in a spin: little is enough to slow them down much. */
const quietShare = 0.05

/** `npm run bench`; scripts/bench.mjs calls it. */
export function main(argv: string[]): Promise<void> {
  return runMain(() => bench(argv))
}

async function bench(argv: string[]): Promise<void> {
  const known = { cases: cases.map(({ name }) => name), cores: os.availableParallelism() }
  const options = parseArguments(argv, known)
  if (options.help) return console.log(help(cases))
  const file = options.json ?? inRoot('bench/results/latest.json')

  if (options.page) return console.log(`Written: ${writePage(readResults(file)).join(', ')}`)

  if (process.platform !== 'linux') throw new Stop('The bench reads /proc: it needs Linux.')
  for (const one of cases) {
    if (options.cases.length > 0 && !options.cases.includes(one.name)) continue
    console.log(`\n${one.name}: ${one.about}`)
    // After each case: what took minutes is kept, whatever becomes of the next one.
    addResults(file, await measured(one, options), options)
  }
  console.log(`\nThe figures are in ${file}`)
}

async function measured(one: BenchCase, options: BenchOptions): Promise<Measured> {
  const started = performance.now()
  const othersSince = watchOthers()
  const rows = await one.run(options)
  const others = othersSince()
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(table(rows))
  console.log(`in ${seconds} s; other processes took ${Math.round(others * 100)}% of the machine`)
  if (others > quietShare) console.log('That is too much for figures to rely on.')
  return { rows, others }
}
