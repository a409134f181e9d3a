import { type Metric, type Row, rowsOf } from '../report/row.js'
import { withPair } from '../servers/pair.js'
import type { ServerProcess } from '../servers/server-process.js'
import type { ModelName } from '../setup/models.js'
import { type BenchCase, type BenchOptions, modelsOf, serverSettings } from './bench-case.js'
import { contextOf, runStreams } from './streams.js'

const streams = 8
const temperature = 0.8
const tokensOf: Record<ModelName, number> = { tiny: 64, small: 32, big: 16 }

/**
 * A list of people, longer than any reply here, so that it goes on to its last token. As a grammar
 * and not as a schema: llama-server, asked not to parse replies, leaves a schema out.
 */
const people = `
root   ::= "[" person ("," person){200,} "]"
person ::= "{" space "\\"name\\": " name ", \\"age\\": " age \
  ", \\"kind\\": " kind ", \\"active\\": " active "}"
name   ::= "\\"" [^"\\\\\\x00-\\x1f]{0,40} "\\""
age    ::= [1-9] [0-9]? | "0"
kind   ::= "\\"farmer\\"" | "\\"sailor\\"" | "\\"baker\\"" | "\\"smith\\""
active ::= "true" | "false"
space  ::= " "?
`

const forms: Record<string, object> = {
  'free text': {},
  'JSON by a grammar': { grammar: people },
}

const metrics = {
  throughput: { label: 'throughput', unit: 'tokens/s', better: 'higher' },
} satisfies Record<string, Metric>

export const structured: BenchCase = {
  name: 'structured',
  about: 'the same streams with and without a grammar that each token must keep to',
  async run(options) {
    const rows: Row[] = []
    for (const model of modelsOf(options, 'tiny', 'big')) {
      rows.push(...(await rowsOfModel(options, model)))
    }
    return rows
  },
}

async function rowsOfModel(options: BenchOptions, model: ModelName): Promise<Row[]> {
  const load = { streams, tokens: options.quick ? tokensOf[model] / 2 : tokensOf[model] }
  const own = { parallel: streams, context: contextOf(load) }
  return withPair(serverSettings(options, model, own), async (pair) => {
    const rows: Row[] = []
    for (const [form, fields] of Object.entries(forms)) {
      const once = async ({ port }: ServerProcess) => {
        const { throughput } = await runStreams(port, load, temperature, fields)
        return { throughput }
      }
      await pair.measure(1, once) // not counted, as in `throughput`
      const samples = await pair.measure(options.rounds, once)
      const situation = `${streams} streams, ${form}`
      rows.push(...rowsOf({ case: 'structured', model, situation }, metrics, samples))
    }
    return rows
  })
}
