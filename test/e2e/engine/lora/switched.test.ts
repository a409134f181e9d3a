import { expect, test } from 'vitest'
import type { Engine, LoadOptions } from '../../../../src/index.js'
import { randomAdapter } from '../../../support/models/adapter.js'
import {
  type RandomModelOptions,
  randomModel,
  randomModelContent,
} from '../../../support/models/random-model.js'
import { randomWords } from '../../../support/random-words.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// Adapters of other weights have other graphs, which may have as many nodes. A context that is
// turned from one to the other must compute nothing in memory that was planned for another graph.

const tolerance = 1e-4

const own: RandomModelOptions = { seed: 7, weights: 'q8_0', embedding: 256 }
const options = { context: 512, gpu: false, parallel: 4, cacheMiB: 0 } satisfies LoadOptions
const loaded = suiteLoader()

const changed = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down']
const changing: [string, (name: string) => boolean][] = [
  ...changed.map((part): [string, (name: string) => boolean] => [
    part,
    (name) => name.includes(`${part}.`),
  ]),
  ['q and k', (name) => /attn_[qk]\./.test(name)],
  ['q and v', (name) => /attn_[qv]\./.test(name)],
  ['k and v', (name) => /attn_[kv]\./.test(name)],
]
const names = changing.map(([name]) => name)
const lora = Object.fromEntries(
  changing.map(([name, changes]) => {
    const adapter = { seed: 5, rank: 16, changes }
    return [name, randomAdapter(`switched ${name}`, () => randomModelContent(own), adapter)]
  }),
)

const long = randomWords(60, 3).join(' ')
const short = randomWords(3, 4).join(' ')

async function logprobs(engine: Engine, name: string, prompt: string): Promise<number[]> {
  const given = { temperature: 0, maxTokens: 4, ignoreEos: true, logprobs: 0, lora: name }
  const found: number[] = []
  for await (const part of engine.complete(prompt, given)) {
    for (const { logprob } of part.logprobs ?? []) found.push(logprob)
  }
  return found
}

function apart(some: number[], others: number[] | undefined): number {
  expect(some).toHaveLength(others?.length ?? 0)
  return Math.max(...some.map((value, i) => Math.abs(value - (others?.[i] ?? Number.NaN))))
}

test('adapters of other weights say one after another what they say alone', async () => {
  const model = randomModel(own)
  const alone = new Map<string, { long: number[]; short: number[] }>()
  for (const name of names) {
    const engine = await loaded({ ...options, model, lora: { [name]: lora[name] ?? '' } })
    alone.set(name, {
      long: await logprobs(engine, name, long),
      short: await logprobs(engine, name, short),
    })
  }
  const engine = await loaded({ ...options, model, lora })
  for (const one of names) {
    for (const other of names.filter((name) => name !== one)) {
      const both = [logprobs(engine, one, long), logprobs(engine, other, short)] as const
      const [ofLong, ofShort] = await Promise.all(both)
      expect(apart(ofLong, alone.get(one)?.long), `${one}, ${other}`).toBeLessThan(tolerance)
      expect(apart(ofShort, alone.get(other)?.short), `${one}, ${other}`).toBeLessThan(tolerance)
    }
  }
})
