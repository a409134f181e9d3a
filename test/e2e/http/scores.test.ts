import { expect, test } from 'vitest'
import type { Engine } from '../../../src/index.js'
import { randomModel } from '../../support/models/random-model.js'
import { closeAfterEach } from '../../support/serve.js'
import { type ServedReal, serveReal } from '../../support/serve-real.js'

// How lm-evaluation-harness scores texts by `--model local-completions`, request and reading alike:
// context and continuation as one prompt, echoed with logprobs and one token more, of which the
// continuation's are summed up. The sums are held against each token forced by a bias.

closeAfterEach()

const storyteller = new URL('../../../models/storyteller.gguf', import.meta.url).pathname
const contexts = ['Once upon a time there was a fox who', 'The little girl went']
const continuations = [' lived in the wood.', ' was very hungry', ' to the sea', ' zebra?']

interface Scored {
  readonly sum: number
  readonly isGreedy: boolean
}

interface Echoed {
  readonly index: number
  readonly text: string
  readonly logprobs: {
    readonly tokens: string[]
    readonly token_logprobs: (number | null)[]
    readonly top_logprobs: (Record<string, number> | null)[]
    readonly text_offset: number[]
  }
}

type Prompt = string | readonly number[]

async function echoed(url: string, prompt: readonly Prompt[], more = {}): Promise<Echoed[]> {
  const body = { model: 'default', prompt, temperature: 0, max_tokens: 1, logprobs: 1, ...more }
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seed: 1234, echo: true, ...body }),
  })
  expect(response.status).toBe(200)
  const { choices } = (await response.json()) as { choices: Echoed[] }
  return choices.toSorted((a, b) => a.index - b.index)
}

/** lm_eval's parse_logprobs(): from the context's end to the token before the last. */
function readScore({ logprobs }: Echoed, contextTokens: number): Scored {
  const told = logprobs.token_logprobs.slice(contextTokens, -1)
  const likeliest = logprobs.top_logprobs.slice(contextTokens, -1)
  const isGreedy = told.every((one, i) => one === Math.max(...Object.values(likeliest[i] ?? {})))
  return { sum: told.reduce<number>((sum, one) => sum + (one ?? Number.NaN), 0), isGreedy }
}

/** Step by step: each token of the continuation after all before it. */
async function forced(engine: Engine, context: number[], continuation: number[]): Promise<Scored> {
  const so: number[] = [...context]
  let [sum, isGreedy] = [0, true]
  for (const id of continuation) {
    const options = { maxTokens: 1, temperature: 0, logprobs: 1, logitBias: { [id]: 100 } }
    for await (const { logprobs = [] } of engine.complete(so, { ...options, ignoreEos: true })) {
      for (const { logprob, top } of logprobs) {
        sum += logprob
        isGreedy &&= logprob === top[0]?.logprob
      }
    }
    so.push(id)
  }
  return { sum, isGreedy }
}

async function pairsOf({ engine }: ServedReal) {
  const ids = async (text: string, addSpecial: boolean) => [
    ...(await engine.tokenize(text, { addSpecial })),
  ]
  const pairs = contexts.flatMap((context) => continuations.map((one) => [context, one] as const))
  return Promise.all(
    pairs.map(async ([context, continuation]) => {
      const [before, whole] = [await ids(context, true), await ids(context + continuation, true)]
      return { before, after: whole.slice(before.length), whole }
    }),
  )
}

const exact = { context: 256, kvType: 'q8_0' } as const

test.each([
  ['the embedded model', storyteller],
  ['a random model', randomModel({ weights: 'q8_0' })],
])('lm-eval’s sums are right, in a batch of token ids, of %s', async (_name, model) => {
  const served = await serveReal({ ...exact, model })
  const pairs = await pairsOf(served)
  const choices = await echoed(
    served.url,
    pairs.map(({ whole }) => whole),
  )
  for (const [i, { before, after, whole }] of pairs.entries()) {
    const choice = choices[i] as Echoed
    expect(choice.logprobs.tokens).toHaveLength(whole.length + 1)
    expect(choice.logprobs.token_logprobs[0]).toBeNull()
    expect(choice.logprobs.top_logprobs[0]).toBeNull()
    const expected = await forced(served.engine, before, after)
    const score = readScore(choice, before.length)
    expect(score.sum).toBeCloseTo(expected.sum, 2)
    expect(score.isGreedy).toBe(expected.isGreedy)
  }
})

test('lm-eval’s sums are the same with no token more, and the text is the prompt', async () => {
  const served = await serveReal({ ...exact, model: storyteller })
  const pairs = await pairsOf(served)
  const prompts = pairs.map(({ whole }) => whole)
  const [one, none] = [
    await echoed(served.url, prompts),
    await echoed(served.url, prompts, { max_tokens: 0 }),
  ]
  for (const [i, { whole }] of pairs.entries()) {
    expect(none[i]?.logprobs.token_logprobs).toHaveLength(whole.length)
    const [a, b] = [one[i]?.logprobs.token_logprobs ?? [], none[i]?.logprobs.token_logprobs ?? []]
    for (const [at, logprob] of b.entries()) expect(logprob ?? 0).toBeCloseTo(a[at] ?? 0, 4)
    expect(none[i]?.text).toBe(await served.engine.detokenize(whole))
  }
})

test('a model that would end there gives its end an entry: none of the text is cut', async () => {
  const served = await serveReal({ ...exact, model: randomModel({ weights: 'q8_0' }) })
  const { engine, url } = served
  const said = 'the fox and the owl went to the sea'
  const ids = [...(await engine.tokenize(said))]
  const [end = -1] = await engine.tokenize('<|im_end|>', { parseSpecial: true })
  const [choice] = await echoed(url, [ids], { logit_bias: { [end]: 100 } })
  expect(choice?.logprobs.tokens).toHaveLength(ids.length + 1)
  expect(choice?.logprobs.tokens.at(-1)).toBe('<|im_end|>')
  expect(choice?.text).toBe(said)
  const expected = await forced(engine, ids.slice(0, -2), ids.slice(-2))
  expect(readScore(choice as Echoed, ids.length - 2).sum).toBeCloseTo(expected.sum, 2)
})

test('each token of a text stands where its offset says, BOS at the beginning', async () => {
  const { url, engine } = await serveReal({ ...exact, model: storyteller })
  const prompt = 'Déjà vu: the 狐 saw the 🦊, and  two  blanks.\nEnd'
  const [choice] = await echoed(url, [prompt], { max_tokens: 0 })
  const ids = await engine.tokenize(prompt, { addSpecial: true, parseSpecial: true })
  expect(choice?.text).toBe(prompt)
  const { tokens = [], text_offset: offsets = [] } = choice?.logprobs ?? {}
  expect(tokens).toHaveLength(ids.length)
  const characters = [...prompt]
  for (const [i, token] of tokens.entries()) {
    const at = offsets[i] ?? 0
    expect(at).toBeGreaterThanOrEqual(offsets[i - 1] ?? 0)
    if (token.startsWith('bytes:') || /^<.*>$/.test(token)) continue
    const here = characters.slice(at, offsets[i + 1]).join('')
    expect([token, token.trimStart()]).toContain(here)
  }
  expect(offsets.at(-1)).toBeLessThan(characters.length)
})

test('streamed frames come to the same scores', async () => {
  const { url } = await serveReal({ ...exact, model: storyteller })
  const prompt = ['Once upon a time there was a fox. '.repeat(20), 'The 狐 and the sea']
  const whole = await echoed(url, prompt, { max_tokens: 5 })
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: 'default', prompt, temperature: 0, max_tokens: 5, logprobs: 1, seed: 1234 },
      ...{ echo: true, stream: true },
    }),
  })
  const frames = (await response.text())
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as { choices: Echoed[] })
  for (const [index, choice] of whole.entries()) {
    const all = frames.flatMap(({ choices }) => choices.filter((one) => one.index === index))
    expect(all.map(({ text }) => text).join('')).toBe(choice.text)
    for (const column of ['tokens', 'text_offset'] as const) {
      const told = all.flatMap(({ logprobs }) => (logprobs ? [...logprobs[column]] : []))
      expect(told).toEqual(choice.logprobs[column])
    }
    expect(all.filter(({ logprobs }) => logprobs).length).toBeGreaterThan(1)
  }
})
