import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { ChatMessage, RunnableTool, ToolContext, ToolRunPart } from '../../src/index.js'
import { runTools } from '../../src/index.js'
import { calling, partsOf, saying, scriptedRounds } from '../support/chats/scripted-rounds.js'
import { eventually, settle } from '../support/eventually.js'

// How a run of tools goes on and ends: by its reader, its signal, an error, or a wrong option.

const ask: ChatMessage[] = [{ role: 'user', content: 'What is the weather like?' }]
const open = scriptedRounds()

function* counting(): Generator<string> {
  for (let i = 0; ; i++) yield `${i} `
}

/** A tool that never answers, and what it got. */
function endless() {
  const contexts: ToolContext[] = []
  const run: NonNullable<RunnableTool['run']> = (_, context) => {
    contexts.push(context)
    return new Promise(() => undefined)
  }
  return { tools: { wait: { run } }, contexts }
}

const waiting = calling(['wait', {}])

describe('a run of tools that nobody reads', () => {
  test('goes no further than the window of its first reply', async () => {
    const { engine, addon } = await open([{ tokens: counting() }])
    const run = runTools(engine, ask, { tools: {} })
    await settle(50)
    expect(addon.engine.produced.get(1)).toBe(8)
    const iterator = run[Symbol.asyncIterator]()
    expect((await iterator.next()).value).toMatchObject({ round: 0, tokens: 8 })
    await settle(50)
    expect(addon.engine.produced.get(1)).toBe(16)
    await iterator.return?.()
  })

  test('calls nothing and asks for no further reply', async () => {
    const { engine, asked } = await open([waiting, saying('Done.')])
    const { tools, contexts } = endless()
    const run = runTools(engine, ask, { tools })
    await settle(50)
    expect({ calls: contexts.length, replies: asked().length }).toEqual({ calls: 0, replies: 1 })
    run.cancel()
    await run.done
  })

  test('is read to its end by done within its loop too', async () => {
    const { engine } = await open([calling(['a', {}]), saying('Done', '.')])
    const run = runTools(engine, ask, { tools: { a: { run: () => 'b' } } })
    const texts: string[] = []
    for await (const { text } of run) {
      texts.push(text)
      expect((await run.done).text).toBe('Done.')
    }
    expect(texts.join('')).toBe('Done.')
  })

  test('is read to its end by done, and its parts are kept for a later loop', async () => {
    const { engine } = await open([calling(['a', {}]), saying('Done', '.')])
    const run = runTools(engine, ask, { tools: { a: { run: () => 'b' } } })
    expect((await run.done).text).toBe('Done.')
    const parts = await partsOf(run)
    expect(parts.map(({ text }) => text).join('')).toBe('Done.')
    expect(parts.filter(({ toolResult }) => toolResult !== undefined)).toHaveLength(1)
    expect(await partsOf(run)).toEqual([])
    expect(await run.text()).toBe('Done.')
  })

  test('is read to its end by text() while a loop gets all parts', async () => {
    const { engine } = await open([calling(['a', {}]), saying('Once', ' upon', ' a', ' time.')])
    const run = runTools(engine, ask, { tools: { a: { run: () => settle(5) } } })
    const iterator = run[Symbol.asyncIterator]()
    const first = await iterator.next()
    expect(first.value).toMatchObject({ round: 0 })
    expect(await run.text()).toBe('Once upon a time.')
    const rest = await partsOf({ [Symbol.asyncIterator]: () => iterator })
    expect(rest.map(({ text }) => text).join('')).toBe('Once upon a time.')
    expect(rest.some(({ toolResult }) => toolResult !== undefined)).toBe(true)
  })

  test('is taken over by a loop that begins after done was asked for', async () => {
    const { engine } = await open([calling(['a', {}]), saying('Once', ' upon', ' a', ' time.')])
    const run = runTools(engine, ask, { tools: { a: { run: () => settle(5) } } })
    const done = run.done
    await settle(3)
    const texts = (await partsOf(run)).map(({ text }) => text)
    expect(texts.join('')).toBe('Once upon a time.')
    expect((await done).finishReason).toBe('stop')
  })
})

describe('leaving a run of tools', () => {
  test('in the middle of a reply stops it', async () => {
    const { engine, addon } = await open([{ tokens: counting() }])
    const run = runTools(engine, ask, { tools: {} })
    for await (const part of run) if (part.text.includes('3')) break
    const { finishReason, rounds, messages, text } = await run.done
    expect({ finishReason, rounds: rounds.length }).toEqual({
      finishReason: 'cancelled',
      rounds: 1,
    })
    expect(text).toMatch(/^0 1 2 3 /)
    expect(messages.at(-1)).toEqual({ role: 'assistant', content: text })
    expect(addon.engine.cancelled).toEqual([1])
  })

  test('while a tool runs aborts its signal, and the conversation answers its call', async () => {
    const { engine, asked } = await open([calling(['quick', {}], ['wait', {}])])
    const { tools, contexts } = endless()
    const run = runTools(engine, ask, { tools: { ...tools, quick: { run: () => 'here' } } })
    for await (const { toolResult } of run) if (toolResult !== undefined) break
    const { finishReason, messages, rounds } = await run.done
    expect(finishReason).toBe('cancelled')
    expect(contexts[0]?.signal.aborted).toBe(true)
    expect(messages.slice(2).map(({ content }) => content)).toEqual([
      'here',
      'Error: wait was cancelled before it was done',
    ])
    expect(rounds[0]?.toolResults[1]?.error).toMatchObject({ reason: 'cancelled' })
    expect(asked()).toHaveLength(1)
  })

  test('by cancel() ends a loop that waits for a tool', async () => {
    const { engine } = await open([waiting])
    const { tools, contexts } = endless()
    const run = runTools(engine, ask, { tools })
    const parts = partsOf(run)
    await eventually(() => contexts.length === 1)
    run.cancel()
    expect((await parts).every(({ toolResult }) => toolResult === undefined)).toBe(true)
    expect(await run.done).toMatchObject({ finishReason: 'cancelled' })
    run.cancel() // of no effect any more
  })

  test('by cancel() begins none of the calls that wait for their turn', async () => {
    const { engine } = await open([calling(['wait', {}], ['wait', {}], ['wait', {}])])
    const { tools, contexts } = endless()
    const run = runTools(engine, ask, { tools, toolConcurrency: 1 })
    const { done } = run
    await eventually(() => contexts.length === 1)
    run.cancel()
    expect((await done).rounds[0]?.toolResults).toHaveLength(3)
    expect(contexts).toHaveLength(1)
  })

  test('after its end changes nothing', async () => {
    const { engine } = await open([saying('Done.')])
    const run = runTools(engine, ask, { tools: {} })
    await partsOf(run)
    run.cancel()
    expect(await run.done).toMatchObject({ finishReason: 'stop', text: 'Done.' })
  })
})

describe('the AbortSignal of a run of tools', () => {
  const cancelled = { code: 'ERR_CANCELLED', cause: 'enough' }

  test.each(['loop', 'done'])('ends a tool that runs, and rejects its %s', async (reader) => {
    const { engine } = await open([waiting])
    const { tools, contexts } = endless()
    const controller = new AbortController()
    const run = runTools(engine, ask, { tools, signal: controller.signal })
    const read = reader === 'loop' ? partsOf(run) : run.done
    await eventually(() => contexts.length === 1)
    controller.abort('enough')
    await expect(read).rejects.toMatchObject(cancelled)
    await expect(run.done).rejects.toMatchObject(cancelled)
    await expect(partsOf(run)).rejects.toMatchObject(cancelled)
    expect(contexts[0]?.signal.reason).toBe('enough')
    expect(run.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool'])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('ends a reply that is being read', async () => {
    const { engine } = await open([{ tokens: counting() }])
    const controller = new AbortController()
    const run = runTools(engine, ask, { tools: {}, signal: controller.signal })
    const parts: ToolRunPart[] = []
    const read = async () => {
      for await (const part of run) {
        parts.push(part)
        if (parts.length === 2) controller.abort('enough')
      }
    }
    await expect(read()).rejects.toMatchObject(cancelled)
    await expect(run.done).rejects.toMatchObject(cancelled)
    expect(parts).toHaveLength(2)
  })

  test('that is aborted already asks for nothing', async () => {
    const { engine, asked } = await open([saying('Done.')])
    const run = runTools(engine, ask, { tools: {}, signal: AbortSignal.abort('enough') })
    await expect(run.text()).rejects.toMatchObject(cancelled)
    expect(asked()).toEqual([])
  })

  test('is left without listeners by a run that ends', async () => {
    const { engine } = await open([calling(['a', {}]), saying('Done.')])
    const { signal } = new AbortController()
    await runTools(engine, ask, { tools: { a: { run: () => 1 } }, signal }).done
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

describe('what fails a reply', () => {
  const refuse = {
    code: 'ERR_CONTEXT_LENGTH' as const,
    message: 'too long',
    promptTokens: 9,
    contextTokens: 8,
  }

  test('fails the run, which has the conversation as far as it has come', async () => {
    const { engine } = await open([calling(['a', {}]), { tokens: [], refuse }])
    const run = runTools(engine, ask, { tools: { a: { run: () => 'much' } } })
    await expect(partsOf(run)).rejects.toMatchObject({ code: 'ERR_CONTEXT_LENGTH' })
    await expect(run.done).rejects.toMatchObject({ code: 'ERR_CONTEXT_LENGTH' })
    await expect(run.text()).rejects.toMatchObject({ code: 'ERR_CONTEXT_LENGTH' })
    expect(run.messages.at(-1)).toMatchObject({ role: 'tool', content: 'much' })
  })

  test('has the caller’s line in its stack, of a later reply too', async () => {
    const { engine } = await open([calling(['a', {}]), { tokens: [], refuse }])
    const askForIt = () => runTools(engine, ask, { tools: { a: { run: () => settle(3) } } })
    const error: Error = await askForIt().done.catch((thrown) => thrown)
    expect(error.stack).toMatch(/ContextLengthError: too long\n.*at askForIt \(/s)
  })

  test('is no unhandled rejection where nobody asks', async () => {
    const { engine } = await open([{ tokens: [], refuse }])
    runTools(engine, ask, { tools: {} })
    await settle(20) // vitest would fail of one
  })

  test('is also an engine that is closed while a tool runs', async () => {
    const { engine } = await open([calling(['a', {}])])
    const run = runTools(engine, ask, { tools: { a: { run: () => engine.close() } } })
    await expect(run.done).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})

describe('options of a run of tools', () => {
  const run = () => 1
  const wrong: [string, object, string, RegExp][] = [
    ['without tools', {}, 'tools', /expected an object with a tool for each name/],
    ['with an array of tools', { tools: [{ name: 'a', run }] }, 'tools', /got an array of 1/],
    [
      'with execute',
      { tools: { a: { execute: run } } },
      'tools.a.execute',
      /Did you mean 'run'\?$/,
    ],
    ['with a misspelt one', { tools: {}, maxRound: 3 }, 'maxRound', /Did you mean 'maxRounds'\?$/],
    ['with maxSteps', { tools: {}, maxSteps: 3 }, 'maxSteps', /Did you mean 'maxRounds'\?$/],
    ['with no rounds', { tools: {}, maxRounds: 0 }, 'maxRounds', /a whole number from 1 to 10000/],
    ['with no time', { tools: {}, timeoutMs: 0 }, 'timeoutMs', /a whole number from 1/],
    ['with a tool that is none', { tools: { a: 1 } }, 'tools.a', /expected an object/],
    [
      'with parameters that are none',
      { tools: { a: { parameters: 'x' } } },
      'tools.a.parameters',
      /zod/,
    ],
    ['with several replies', { tools: {}, n: 2 }, 'n', /expected 1/],
    ['of a chat', { tools: {}, temperature: 'hot' }, 'temperature', /expected a number/],
  ]

  test.each(wrong)('%s are refused at once', async (_, options, option, words) => {
    const { engine } = await open([saying('Done.')])
    const refused = expect.objectContaining({ code: 'ERR_INVALID_OPTION', option })
    expect(() => runTools(engine, ask, options as never)).toThrow(refused)
    expect(() => runTools(engine, ask, options as never)).toThrow(words)
  })

  test('with a schema that does not tell its JSON Schema are refused', async () => {
    const { engine } = await open([saying('Done.')])
    const standard = {
      version: 1 as const,
      vendor: 'none',
      validate: (value: unknown) => ({ value }),
    }
    const parameters = { '~standard': standard }
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_SCHEMA',
      path: 'tools.a.parameters',
    })
    expect(() => runTools(engine, ask, { tools: { a: { parameters, run } } })).toThrow(refused)
  })

  test('without an engine are refused by its name', () => {
    expect(() => runTools(undefined as never, ask, { tools: {} })).toThrow(
      expect.objectContaining({ option: 'engine' }),
    )
  })

  test.each([
    ['an object', { a: { run } }, /an object of tools with `run` is runTools\(\)'s/],
    ['an array', [{ name: 'a', run }], /'tools\[0\]\.run': expected nothing here: runTools\(/],
  ])('that are %s of tools with run are named by chat()', async (_, tools, words) => {
    const { engine } = await open([saying('Done.')])
    expect(() => engine.chat(ask, { tools: tools as never })).toThrow(words)
  })
})
