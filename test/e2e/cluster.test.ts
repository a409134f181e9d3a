import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { scriptModel } from '../support/models/script-model.js'
import { startProgram } from '../support/program.js'

const program = fileURLToPath(new URL('programs/cluster.mjs', import.meta.url))
const model = scriptModel({ reply: 'Es war einmal ein Fuchs.' })

test.each(['serve', 'program'])(
  'workers of a cluster (%s) stream, warn once together, and end at SIGTERM',
  async (how) => {
    const env = { NODE_APP_INSTANCE: '' }
    const { result } = startProgram(process.execPath, [program, how, model], { env })
    const { stdout, stderr, code } = await result
    const lines = stdout.split('\n').filter((line) => /^(each|ended) /.test(line))
    expect(lines).toEqual(['each answered', ...Array.from({ length: 3 }, () => 'ended 0 null')])
    expect(code).toBe(0)
    expect(stderr.match(/asks for a GPU/g)).toHaveLength(1)
  },
)
