import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { ChatMessage, LoadOptions, Reply } from '../../../src/index.js'
import { closeAfterEach, expectAsAlone, openEngine } from '../../support/alone.js'
import { eventually } from '../../support/eventually.js'
import { MODEL_KINDS } from '../../support/models/model-kinds.js'
import { randomModel } from '../../support/models/random-model.js'
import { randomWords } from '../../support/random-words.js'
import { suiteLoader } from '../../support/suite-engines.js'

closeAfterEach()

const ask: ChatMessage[] = [{ role: 'user', content: 'Tell me a story' }]
/** About 200 tokens, so that computing it twice would show. */
const longAsk: ChatMessage[] = [{ role: 'user', content: 'a fox and an owl '.repeat(20) }]
const llama =
  process.env.LLAMA_CPP_DIR ?? fileURLToPath(import.meta.resolve('../../../deps/llama.cpp'))
const hermes = readFileSync(
  resolve(llama, 'models/templates/NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja'),
  'utf8',
)
const ended = { running: 0, parked: 0, queued: 0, cellsUsed: 0 }

async function textsOf(reply: Reply): Promise<string[]> {
  const texts: string[] = []
  for await (const { choice, text } of reply) texts[choice] = (texts[choice] ?? '') + text
  return texts
}

describe.each(MODEL_KINDS)('choices of a %s model', (kind) => {
  test('compute their prompt once, and each say what they say alone', async () => {
    const prompt = randomWords(60, 4).join(' ')
    const options = { n: 3, seed: 11, maxTokens: 60, ignoreEos: true }
    const engine = await openEngine(kind, { parallel: 4 })
    const reply = engine.complete(prompt, options)
    const texts = await reply.texts()
    const { usage, choices } = await reply.done
    expect(engine.stats().rowsPrefilled).toBe(usage.promptTokens + 2)
    const { n: _, ...each } = options
    await expectAsAlone(
      kind,
      choices.map(({ seed }) => ({ ...each, prompt, seed })),
      texts,
    )
  })
})

describe('several choices of one prompt', () => {
  const load = suiteLoader()
  const open = (options: Partial<LoadOptions> = {}) =>
    load({ model: randomModel(), kvType: 'q8_0', ...options })

  test('each say what they say alone with the next seed', async () => {
    const engine = await open()
    const options = { seed: 2 ** 32 - 3, maxTokens: 50, ignoreEos: true }
    const reply = engine.chat(ask, { ...options, n: 4 })
    const texts = await textsOf(reply)
    const { choices } = await reply.done
    expect(new Set(texts).size).toBe(4)
    // 2^32 - 1 means "draw one" to llama.cpp, so no seed is that.
    expect(choices.map(({ seed }) => seed)).toEqual([2 ** 32 - 3, 2 ** 32 - 2, 0, 1])
    for (const [i, { seed }] of choices.entries()) {
      expect(await engine.chat(ask, { ...options, seed }).text()).toBe(texts[i])
    }
  })

  test('compute their prompt once, and count it once', async () => {
    const engine = await open({ parallel: 3, cacheMiB: 0 })
    const reply = engine.chat(longAsk, { n: 3, maxTokens: 20, ignoreEos: true })
    const { usage, choices } = await reply.done
    const { promptTokens } = usage
    expect(promptTokens).toBeGreaterThan(150)
    // The whole of it once, and its last row for each of the two others.
    expect(engine.stats().rowsPrefilled).toBe(promptTokens + 2)
    expect(usage).toEqual({ promptTokens, cachedTokens: 0, completionTokens: 60 })
    expect(choices.map((one) => one.usage)).toEqual([
      { promptTokens, cachedTokens: 0, completionTokens: 20 },
      { promptTokens, cachedTokens: promptTokens - 1, completionTokens: 20 },
      { promptTokens, cachedTokens: promptTokens - 1, completionTokens: 20 },
    ])
    expect(engine.stats()).toMatchObject({ started: 3, finished: 3, ...ended })
  })

  test('run in one batch', async () => {
    const engine = await open({ parallel: 3, window: 128 }) // no reader is waited for
    await engine.chat(longAsk, { n: 3, maxTokens: 100, ignoreEos: true }).done
    const { rowsDecoded, rowsPrefilled, decodeSteps } = engine.stats()
    expect((rowsDecoded - rowsPrefilled) / decodeSteps).toBeGreaterThan(2.5)
  })

  test('are cancelled together, and free their slots', async () => {
    const engine = await open({ parallel: 3, context: 8192 })
    const reply = engine.chat(ask, { n: 3, ignoreEos: true })
    const seen = new Set<number>()
    for await (const { choice } of reply) {
      seen.add(choice)
      if (seen.size === 3) break
    }
    const { finishReason, choices } = await reply.done
    expect(finishReason).toBe('cancelled')
    expect(choices.map((one) => one.finishReason)).toEqual(Array(3).fill('cancelled'))
    expect(engine.stats()).toMatchObject({ cancelled: 3, ...ended })
  })

  test('are aborted together by their signal', async () => {
    const engine = await open({ parallel: 3, context: 8192 })
    const controller = new AbortController()
    const reply = engine.chat(ask, { n: 3, ignoreEos: true, signal: controller.signal })
    await reply.accepted
    controller.abort()
    await expect(reply.done).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
    await eventually(() => engine.stats().cancelled === 3)
    expect(engine.stats()).toMatchObject(ended)
  })

  test('wait together for a reader that does not read, within a window each', async () => {
    const engine = await open({ parallel: 3, window: 8 })
    const reply = engine.chat(ask, { n: 3, maxTokens: 50, ignoreEos: true, seed: 1 })
    await eventually(() => engine.stats().parked === 3)
    expect(engine.stats().tokensGenerated).toBe(3 * 8)
    const texts = await textsOf(reply)
    expect((await reply.done).usage.completionTokens).toBe(150)
    const again = engine.chat(ask, { n: 3, maxTokens: 50, ignoreEos: true, seed: 1 })
    expect(await again.texts()).toEqual(texts)
  })

  test('end each by itself: one at a stop string, and the others go on', async () => {
    const engine = await open({ parallel: 3 })
    const options = { n: 3, seed: 5, maxTokens: 80, ignoreEos: true }
    const [first = '', ...others] = await textsOf(engine.chat(ask, options))
    const at = Array.from(first, (_, i) => i).find((i) => {
      const stop = first.slice(i, i + 3)
      return i > 5 && stop.length === 3 && others.every((text) => !text.includes(stop))
    })
    const stop = first.slice(at, (at ?? 0) + 3)
    const reply = engine.chat(ask, { ...options, stop })
    expect(await textsOf(reply)).toEqual([first.slice(0, first.indexOf(stop)), ...others])
    const { finishReason, choices } = await reply.done
    expect(finishReason).toBe('stop')
    expect(choices.map((one) => one.finishReason)).toEqual(['stop', 'length', 'length'])
    expect(choices.map((one) => one.stopString)).toEqual([stop, undefined, undefined])
  })

  test('are accepted together or not at all', async () => {
    const engine = await open({ parallel: 2, queue: 1, context: 8192 })
    const running = [engine.chat(ask, { ignoreEos: true }), engine.chat(ask, { ignoreEos: true })]
    await Promise.all(running.map((reply) => reply.accepted))
    const refused = engine.chat(ask, { n: 2 })
    await expect(refused.accepted).rejects.toMatchObject({ code: 'ERR_OVERLOADED' })
    expect(engine.stats().started).toBe(2)
    for (const reply of running) reply.cancel()
    await Promise.all(running.map((reply) => reply.done))
    expect((await engine.chat(ask, { n: 2, maxTokens: 3 }).done).choices).toHaveLength(2)
  })

  test('outwait the queue’s deadline where one of them runs', async () => {
    // Neither of those that run waits for its reader: who is parked for a while gives up its slot.
    const model = randomModel({ context: 2 ** 16 })
    const roomy = { model, context: 2 ** 16, window: 2 ** 16 }
    const engine = await open({ parallel: 2, queueDeadlineMs: 300, ...roomy })
    const blocker = engine.chat(ask, { ignoreEos: true })
    const reply = engine.chat(ask, { n: 2, maxTokens: 4000, ignoreEos: true })
    const ends = reply.done
    const late = engine.chat(ask, { maxTokens: 5 })
    await expect(late.done).rejects.toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
    blocker.cancel()
    expect((await ends).choices.map(({ usage }) => usage.completionTokens)).toEqual([4000, 4000])
    expect((await ends).choices[1]?.timings.queueMs).toBeGreaterThan(300)
  })

  test('of a prompt that is too long fail as one', async () => {
    const engine = await open({ parallel: 3, context: 64 })
    const reply = engine.chat(longAsk, { n: 3 })
    await expect(reply.accepted).rejects.toMatchObject({ code: 'ERR_CONTEXT_LENGTH' })
    await expect(reply.done).rejects.toMatchObject({ contextTokens: 64 })
    await eventually(() => engine.stats().failed + engine.stats().cancelled === 3)
    expect(engine.stats()).toMatchObject(ended)
  })

  test('have each their own logprobs', async () => {
    const engine = await open({ parallel: 3 })
    const reply = engine.chat(ask, { n: 3, seed: 9, maxTokens: 30, ignoreEos: true, logprobs: 2 })
    const texts: string[] = []
    const bytes: Uint8Array[][] = [[], [], []]
    for await (const { choice, text, logprobs = [] } of reply) {
      texts[choice] = (texts[choice] ?? '') + text
      bytes[choice]?.push(...logprobs.map((one) => one.bytes))
    }
    expect(bytes.map((list) => list.length)).toEqual([30, 30, 30])
    expect(bytes.map((list) => Buffer.concat(list).toString('utf8'))).toEqual(texts)
  })

  test('call tools each by itself, with the logprobs of all that they wrote', async () => {
    const engine = await open({ model: randomModel({ chatTemplate: hermes }), context: 2048 })
    const parameters = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
    const reply = engine.chat(ask, {
      n: 2,
      seed: 3,
      maxTokens: 120,
      tools: [{ name: 'count', parameters }],
      toolChoice: 'required',
      logprobs: 1,
    })
    const bytes: Uint8Array[][] = [[], []]
    for await (const { choice, logprobs = [] } of reply) {
      bytes[choice]?.push(...logprobs.map((one) => one.bytes))
    }
    const { choices } = await reply.done
    expect(new Set(choices.map(({ toolCalls }) => toolCalls?.[0]?.id)).size).toBe(2)
    for (const [i, { toolCalls = [], usage }] of choices.entries()) {
      const written = Buffer.concat(bytes[i] ?? []).toString('utf8')
      expect(written.startsWith('<tool_call>')).toBe(true)
      for (const call of toolCalls) expect(written).toContain(call.arguments)
      expect(bytes[i]?.length).toBe(usage.completionTokens)
    }
  })
})
