/** What a model says when nothing is shared, cached or batched: the measure of everything else. */
import { afterEach, expect } from 'vitest'
import { type Engine, type LoadOptions, load, type RequestOptions } from '../../src/index.js'
import { idOf } from './models/logit-gap.js'
import { hasHeads, kindModel, type ModelKind } from './models/model-kinds.js'

export interface Ask extends RequestOptions {
  prompt: string
}

/** q8_0: with f16 llama.cpp's sums depend on what else is in the batch. */
const usual = { kvType: 'q8_0', context: 1024, threads: 1, queue: 256 } as const

/** Room for the longest of all; it has no say in the text. */
const own = { context: 4096, parallel: 1, cacheMiB: 0 }

/** What a model with heads is for; alone it drafts nothing. */
const ofKind = (kind: ModelKind) => (hasHeads(kind) ? { mtp: true } : {})

const open: Engine[] = []
/** What a test that ran out of time was at. */
let stage = ''

/** Closes what the test that just ended opened; of one that failed it prints how they stood. */
export function closeAfterEach(): void {
  afterEach(async ({ task }) => {
    const hasFailed = task.result?.state === 'fail'
    if (hasFailed) console.log(stage, JSON.stringify(open.map((engine) => engine.stats())))
    await Promise.all(open.splice(0).map((engine) => engine.close()))
  })
}

export async function openEngine(
  kind: ModelKind,
  options: Omit<LoadOptions, 'model'>,
): Promise<Engine> {
  stage = 'loading'
  const engine = await load({ model: kindModel(kind), ...usual, ...ofKind(kind), ...options })
  open.push(engine)
  stage = 'answering'
  return engine
}

type Count = number | ((i: number) => number)

/** Asks for `count` tokens of each prompt: in turn greedily, and drawn at a high temperature. */
export function asksFor(prompts: string[], count: Count): Ask[] {
  return prompts.map((prompt, i) => ({
    prompt,
    maxTokens: typeof count === 'number' ? count : count(i),
    ignoreEos: true,
    temperature: i % 2 === 0 ? 0 : 1.5,
    seed: i,
  }))
}

export function greedyAsksFor(prompts: string[], count: Count): Ask[] {
  return asksFor(prompts, count).map((ask) => ({ ...ask, temperature: 0 }))
}

export function send(engine: Engine, { prompt, ...options }: Ask): ReturnType<Engine['complete']> {
  return engine.complete(prompt, options)
}

export function sendAll(engine: Engine, asks: Ask[]): Promise<string[]> {
  return Promise.all(asks.map((ask) => send(engine, ask).text()))
}

/** Each text is what an engine of its own says, which never had another request. */
export async function expectAsAlone(kind: ModelKind, asks: Ask[], texts: string[]): Promise<void> {
  const expected: string[] = []
  for (const ask of asks) expected.push(await aloneText(kind, ask))
  expect(texts).toEqual(expected)
}

/**
 * With shared cells a sequence's cells lie in any order, llama.cpp's attention sums in the order
 * of cells, and rounding tips a scale now and then: with these models once in 6,000 tokens,
 * between two that were within 0.4 of each other (960 replies measured, as often without any
 * preemption).
 */
const TIE = 1
/** In all texts of one test. */
const TIES_MAX = 2

/** As alone, but for ties: there the reply goes on as it would alone after the other token. */
export async function expectAsAloneButForTies(
  kind: ModelKind,
  asks: Ask[],
  texts: string[],
): Promise<void> {
  let ties = 0
  for (const [i, ask] of asks.entries()) {
    const text = texts[i] ?? ''
    let expected = await aloneText(kind, ask)
    for (; text !== expected && ties < TIES_MAX; ties++) {
      const at = [...text].findIndex((char, i) => char !== expected[i])
      const prompt = ask.prompt + text.slice(0, at)
      const logitBias = { [idOf(text.charAt(at))]: TIE }
      const tied = await aloneText(kind, { ...ask, prompt, logitBias, maxTokens: 1 })
      expect(tied, `its token ${at} is far from the likeliest`).toBe(text[at])
      const rest = { ...ask, prompt: prompt + tied, maxTokens: (ask.maxTokens ?? 0) - at - 1 }
      const isLast = rest.maxTokens === 0
      expected = text.slice(0, at + 1) + (isLast ? '' : await aloneText(kind, rest))
    }
    expect(text).toBe(expected)
  }
}

const known = new Map<string, string>()

async function aloneText(kind: ModelKind, ask: Ask): Promise<string> {
  const { cacheSalt: _, ...said } = ask // which has no say in the text
  const key = JSON.stringify([kind, said])
  const before = known.get(key)
  if (before !== undefined) return before
  stage = 'loading alone'
  const engine = await load({ model: kindModel(kind), ...usual, ...own })
  open.push(engine)
  stage = 'answering alone'
  const text = await send(engine, ask).text()
  stage = 'closing'
  await engine.close()
  open.splice(open.indexOf(engine), 1)
  known.set(key, text)
  return text
}
