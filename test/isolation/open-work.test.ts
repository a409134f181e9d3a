import { describe, expect, test } from 'vitest'
import type { EngineCommand } from '../../src/binding/engine-port.js'
import { OpenWork } from '../../src/isolation/open-work.js'

// What is asked again of the next engine, and what is lost with the last one.

const generate = (id: number, choices = 1, seed = 7) =>
  ({ kind: 'generate', id, choices, seed, prompt: 'a' }) as Extract<
    EngineCommand,
    { kind: 'generate' }
  >
const tokenize = (id: number) =>
  ({ kind: 'tokenize', id, text: 'a', addSpecial: false, parseSpecial: false }) as const
const accepted = (id: number) => ({ kind: 'accepted', id, promptTokens: 3 }) as const
const text = (...ids: number[]) =>
  ({ kind: 'texts', ids, texts: ids.map(() => 'a'), tokens: ids.map(() => 1) }) as const
const failed = (id: number) =>
  ({ kind: 'error', id, code: 'ERR_ENGINE_FAILED', message: '', phase: 'decode' }) as const

/** Ids and choices of what would be posted to the next engine. */
function posted(work: OpenWork): unknown[] {
  return work.commands().map((command) => {
    return command.kind === 'generate' ? [command.id, command.choices] : command.id
  })
}

function workOf(...commands: Parameters<OpenWork['add']>[0][]): OpenWork {
  const work = new OpenWork()
  for (const command of commands) work.add(command, 0, false)
  return work
}

describe('where the engine dies', () => {
  test('a request that had text is lost, one that was only accepted goes on', () => {
    const work = workOf(generate(1), generate(2), generate(3), tokenize(4))
    for (const id of [1, 2]) work.note(accepted(id))
    work.note(text(1))
    expect(work.interrupt()).toEqual({
      lost: [{ id: 1, phase: 'decode', reason: 'begun' }],
      kept: 3,
    })
    expect(posted(work)).toEqual([[2, 1], [3, 1], 4])
  })

  test('a part counts as text does', () => {
    const work = workOf(generate(1))
    work.note({ kind: 'part', id: 1, text: '', reasoning: 'a', tokens: 1 })
    expect(work.interrupt().lost).toMatchObject([{ id: 1, reason: 'begun' }])
  })

  test('a request that lives through a second death is lost, as it may be the cause', () => {
    const work = workOf(generate(1), tokenize(2))
    work.note(accepted(1))
    expect(work.interrupt()).toEqual({ lost: [], kept: 2 })
    work.add(generate(3), 0, false)
    expect(work.interrupt()).toEqual({
      lost: [
        { id: 1, phase: 'prefill', reason: 'twice' },
        { id: 2, phase: 'queued', reason: 'twice' },
      ],
      kept: 1,
    })
    expect(posted(work)).toEqual([[3, 1]])
  })

  test('what was cancelled ends as cancelled, whether it had text or not', () => {
    const work = workOf(generate(1), generate(2))
    work.note(text(2))
    for (const id of [1, 2]) work.cancel(id)
    const lost = [
      { id: 1, phase: 'queued', reason: 'cancelled' },
      { id: 2, phase: 'decode', reason: 'cancelled' },
    ]
    expect(work.interrupt()).toEqual({ lost, kept: 0 })
  })

  test('what has ended is neither lost nor asked again', () => {
    const work = workOf(generate(1), generate(2), tokenize(3))
    work.note(failed(1))
    work.note({ kind: 'tokens', id: 3, tokens: new Int32Array() })
    expect(work.interrupt()).toEqual({ lost: [], kept: 1 })
    expect(posted(work)).toEqual([[2, 1]])
  })
})

describe('choices of one reply', () => {
  test('are asked again together where none has text', () => {
    const work = workOf(generate(1, 3))
    work.note(accepted(1))
    work.interrupt()
    expect(work.commands()).toEqual([generate(1, 3)])
  })

  test('are all lost where one of them has text', () => {
    const work = workOf(generate(1, 3))
    work.note(text(2))
    expect(work.interrupt().lost.map(({ id }) => id)).toEqual([1, 2, 3])
  })

  test('go on with their own seeds where some have ended', () => {
    const work = workOf(generate(1, 5))
    for (const id of [1, 3]) work.note(failed(id))
    work.interrupt()
    expect(work.commands()).toEqual([generate(2, 1, 8), generate(4, 2, 10)])
  })

  test('have seeds that begin again after the largest', () => {
    const work = workOf(generate(1, 2, 2 ** 32 - 2))
    work.note(failed(1))
    work.interrupt()
    expect(work.commands()).toEqual([generate(2, 1, 0)])
  })
})

test('an acceptance is told once, though the next engine accepts too', () => {
  const work = workOf(generate(1))
  expect(work.note(accepted(1))).toBe(true)
  expect(work.isPreparing).toBe(false)
  work.interrupt()
  expect(work.isPreparing).toBe(true)
  expect(work.note(accepted(1))).toBe(false)
  expect(work.isPreparing).toBe(false)
})

test('an end is told once, and nothing is told of what was never asked', () => {
  const work = workOf(generate(1))
  expect(work.note(failed(1))).toBe(true)
  expect(work.note(failed(1))).toBe(false)
  expect(work.note(accepted(9))).toBe(false)
})

test('a request that is cancelled between two engines is dropped, its neighbours are not', () => {
  const work = workOf(generate(1, 3), generate(4))
  work.interrupt()
  work.cancel(2)
  expect(work.dropCancelled()).toEqual([{ id: 2, phase: 'queued', reason: 'cancelled' }])
  expect(work.size).toBe(3)
  expect(posted(work)).toEqual([
    [1, 1],
    [3, 1],
    [4, 1],
  ])
  // They were asked before, and a new one was not.
  work.add(generate(5), 0, false)
  work.cancel(9)
  expect(work.dropCancelled()).toEqual([])
  expect(work.interrupt()).toMatchObject({ kept: 1 })
})

describe('what is held up is late', () => {
  const late = (work: OpenWork, time: number) => work.dropLate(time).map(({ id }) => id)

  test('by when it was asked for, with all its choices, and is open no more', () => {
    const work = new OpenWork()
    work.add(generate(1, 2), 10, true)
    work.add(generate(3), 20, true)
    expect(work.heldUpSince).toBe(10)
    expect(late(work, 9)).toEqual([])
    expect(late(work, 19)).toEqual([1, 2])
    expect(work.heldUpSince).toBe(20)
    expect(posted(work)).toEqual([[3, 1]])
  })

  test('from the first time on that it was asked for', () => {
    const work = new OpenWork()
    work.add(generate(1), 10, false)
    expect(late(work, 99)).toEqual([]) // an engine measures its time
    work.interrupt()
    expect(work.heldUpSince).toBe(10)
    expect(late(work, 10)).toEqual([1])
  })

  test('unless it, or another choice of its reply, has had a slot', () => {
    const work = workOf(generate(1), generate(2, 3), generate(5, 2), generate(7))
    work.note({ ...failed(5), phase: 'prefill' })
    work.note(failed(7))
    work.interrupt([1, 3])
    expect(work.size).toBe(5)
    expect(late(work, 99)).toEqual([])
    work.interrupt()
    expect(late(work, 99)).toEqual([])
  })

  test('unless an engine that embeds may have begun with it', () => {
    const embed = (id: number): EngineCommand & { kind: 'embed' } => {
      return { kind: 'embed', id, inputs: ['a'], owner: '' }
    }
    const work = workOf(embed(1), embed(2))
    work.note(accepted(1))
    work.interrupt()
    expect(late(work, 99)).toEqual([2])
  })

  test('not once the next engine has prepared it, and not what is a text', () => {
    const work = new OpenWork()
    work.add(generate(1), 0, true)
    work.add(tokenize(2), 0, true)
    work.note(accepted(1))
    expect(work.heldUpSince).toBeUndefined()
    expect(late(work, 99)).toEqual([])
    work.interrupt()
    expect(late(work, 99)).toEqual([1]) // and that has died, too
  })
})
