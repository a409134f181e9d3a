import os from 'node:os'
import { help, parseArguments } from './args.js'
import { cases } from './cases/index.js'
import { inRoot } from './paths.js'
import { addResults } from './report/results.js'
import { table } from './report/table.js'

/** `npm run bench`; scripts/bench.mjs calls it. */
export async function main(argv: string[]): Promise<void> {
  const known = { cases: cases.map(({ name }) => name), cores: os.availableParallelism() }
  const options = parseArguments(argv, known)
  if (options.help) return console.log(help(cases))
  const file = options.json ?? inRoot('bench/results/latest.json')

  for (const one of cases) {
    if (options.cases.length > 0 && !options.cases.includes(one.name)) continue
    console.log(`\n${one.name}: ${one.about}`)
    const started = performance.now()
    const rows = await one.run(options)
    console.log(table(rows))
    console.log(`in ${Math.round((performance.now() - started) / 1000)} s`)
    // After each case: what took minutes is kept, whatever becomes of the next one.
    addResults(file, rows, options)
  }
  console.log(`\nThe figures are in ${file}`)
}
