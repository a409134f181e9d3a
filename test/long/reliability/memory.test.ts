import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { isAlive } from '../../support/isolated/served.js'
import { encoderModel } from '../../support/models/encoder-model.js'
import { largeRandomModel, randomModel } from '../../support/models/random-model.js'
import { textOf as wordsOf } from '../../support/random-words.js'
import { baselineOf, expectAsBefore, expectGoodEnd } from '../../support/reliability/invariants.js'
import { MemoryGroup } from '../../support/reliability/memory-group.js'
import {
  type ServerUnderTest,
  serve,
  servesOrEnds,
  startServe,
} from '../../support/reliability/server.js'
import { chatPath, postJson, story } from '../../support/serve.js'

// Little memory: address space (`ulimit -v`), and what a cgroup has, with the system's OOM killer.
// There are no images: Sluice takes none.

const isLinux = process.platform === 'linux'
const model = ['--model', randomModel({ weights: 'q8_0' }), '--kv-type', 'q8_0']
const mebibyte = 2 ** 20

/** An answer: its status and code; or `cut` where the connection broke. */
async function outcome(answer: Promise<Response>): Promise<string> {
  try {
    const response = await answer
    const said = await response.text()
    const [, code] = /"code": ?"(\w+)"/.exec(said) ?? []
    if (response.status === 200 && code === undefined) return 'whole'
    return `${response.status} ${code}`
  } catch {
    return 'cut'
  }
}

function counted(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

/** Many clients with long prompts at once. */
function crowd({ url }: ServerUnderTest, clients: number, words: number): Promise<string[]> {
  const ask = (seed: number) => {
    const messages = [{ role: 'user', content: wordsOf(words, seed) }]
    return postJson(url, chatPath, story({ messages, max_tokens: 40, ignore_eos: true }))
  }
  return Promise.all(Array.from({ length: clients }, (_, seed) => outcome(ask(seed))))
}

describe.skipIf(!isLinux)('with little address space (ulimit -v)', () => {
  test.each(['none', 'process'])(
    'a load is served or refused for want of memory, never called damaged (isolation: %s)',
    async (isolation) => {
      const ends: string[] = []
      const args = [...model, '--isolation', isolation, '--parallel', '2', '--context', '1024']
      for (const mib of [700, 780, 800, 820, 840, 860, 880, 900, 950, 1200, 1600, 3200]) {
        const under = `ulimit -v ${mib * 1024}; exec "$@"`
        const cli = startServe(['--port', '0', ...args], { under })
        if ((await servesOrEnds(cli)) === 'serves') ends.push(`${mib}: serves`)
        else {
          const { code, stderr } = await cli.result
          const [, error] = /\((ERR_\w+)\)/.exec(stderr) ?? []
          ends.push(`${mib}: ${code ?? cli.child.signalCode} ${error ?? ''}`.trim())
          expect([0, 2, 13]).not.toContain(code)
          expect(error).not.toBe('ERR_MODEL_INVALID')
          if (code === 1) expect(error).toMatch(/^ERR_(OUT_OF_MEMORY|ENGINE_\w+)$/)
          // A signal is the end of Node's own threads: in 93 core files, of V8's collector or of
          // libuv's pool, which may end without a word.
          if (code !== null) expect(stderr).not.toBe('')
        }
        cli.child.kill('SIGKILL')
        await cli.result
      }
      expect(ends.at(-1)).toBe('3200: serves')
      console.log(`ulimit -v, ${isolation}: ${ends.join(', ')}`)
    },
  )
})

const group = isLinux ? MemoryGroup.make() : undefined
group?.end()

describe.skipIf(group === undefined)('in a cgroup with little memory (needs root)', () => {
  test('the OOM killer takes the engine’s process, and the server starts another', async () => {
    const group = MemoryGroup.make() as MemoryGroup
    try {
      const engine = ['--isolation', 'process', '--parallel', '4', '--queue', '64']
      const cache = ['--context', '8192', '--cache-mib', '2048', '--kv-type', 'f16']
      const args = ['--model', largeRandomModel(), ...engine, ...cache]
      const served = await serve(args)
      const before = await baselineOf(served)
      const [first = 0] = served.engines()
      // The engine alone is in it: what it has already counts where it grows.
      group.add(first)
      group.limit(24)
      const outcomes = counted(await crowd(served, 8, 800))
      const restarts = await served.metric('engine_restarts_total')
      expect(restarts).toBeGreaterThan(0)
      for (const end of Object.keys(outcomes)) {
        expect(end).toMatch(/^whole$|^(200|503) engine_crashed$/)
      }
      await expectAsBefore(served, before, { descriptors: 8, heldMiB: 128 })
      const log = await expectGoodEnd(served)
      expect(log).toContain('SIGKILL (by hand, or by the system where memory ran out)')
      console.log('OOM killer on the engine:', outcomes, { restarts })
    } finally {
      group.end()
    }
  })

  test('where it takes the server, that ends by SIGKILL, and no engine is left', async () => {
    const group = MemoryGroup.make() as MemoryGroup
    try {
      const served = await serve([...model, '--isolation', 'process', '--body-mib', '256'])
      const [engine = 0] = served.engines()
      group.add(served.pid)
      group.limit(24)
      const content = 'x'.repeat(200 * mebibyte)
      const messages = [{ role: 'user', content }]
      expect(await outcome(postJson(served.url, chatPath, story({ messages })))).toBe('cut')
      await served.cli.result
      expect(served.cli.child.signalCode).toBe('SIGKILL')
      await eventually(() => !isAlive(engine), 'the engine is left')
    } finally {
      group.end()
    }
  })

  test('embeddings of many texts go on under it', async () => {
    const group = MemoryGroup.make() as MemoryGroup
    try {
      const served = await serve(['--model', encoderModel(), '--isolation', 'process'])
      const input = Array.from({ length: 512 }, (_, seed) => wordsOf(60, seed))
      const ask = () => outcome(postJson(served.url, '/v1/embeddings', { model: 'default', input }))
      expect(await ask()).toBe('whole')
      const [first = 0] = served.engines()
      group.add(first)
      group.limit(4)
      const outcomes = counted(await Promise.all(Array.from({ length: 8 }, ask)))
      for (const end of Object.keys(outcomes)) expect(end).toMatch(/^whole$|^503 engine_crashed$/)
      expect(await ask()).toBe('whole')
      await expectGoodEnd(served)
      console.log('embeddings in a small cgroup:', outcomes)
    } finally {
      group.end()
    }
  })
})
