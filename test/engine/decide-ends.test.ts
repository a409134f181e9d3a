import { describe, expect, test } from 'vitest'
import type { DecisionQuestion } from '../../src/api/decision-types.js'
import { ContextLengthError, OverloadedError } from '../../src/api/errors.js'
import type { NativeRequest } from '../../src/binding/engine-port.js'
import { engineOf, once, scores } from '../support/decisions/over-fake.js'
import { settle } from '../support/eventually.js'
import { closeAfterEach } from '../support/serve.js'

// Decisions over a fake: how they end in the middle, what they leave to others, and what is blamed.

closeAfterEach()

const told = (request: NativeRequest): string => {
  if (typeof request.prompt !== 'object' || !('messages' in request.prompt)) return ''
  return request.prompt.messages.map(({ content }) => content).join('')
}

test('a decision whose engine ends by itself in the middle rejects with why', async () => {
  const { engine, native } = await engineOf({ pace: 'manual' }, { parallel: 2 })
  const decided = engine.decide('a', scores(20), once)
  await expect.poll(() => native.submitted.length).toBe(4)
  native.step(3)
  await expect.poll(() => native.submitted.length).toBe(6)
  native.die({ code: 'ERR_OUT_OF_MEMORY', message: 'memory ran out' })
  await expect(decided).rejects.toMatchObject({
    code: 'ERR_ENGINE_ENDED',
    cause: { code: 'ERR_OUT_OF_MEMORY' },
  })
  await settle()
  expect(native.submitted).toHaveLength(6)
})

test('a decision whose engine is closed in the middle rejects, and asks nothing more', async () => {
  const { engine, native } = await engineOf({ pace: 'manual' }, { parallel: 2 })
  const decided = engine.decide('a', scores(20), once)
  await expect.poll(() => native.submitted.length).toBe(4)
  const closed = engine.close()
  await expect(decided).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  await closed
  expect(native.submitted).toHaveLength(4)
})

describe('without a queue', () => {
  test.each([
    [4, 3],
    [2, 1],
    [1, 1],
  ])('a decision leaves one of %i slots to others, where there are two', async (parallel, most) => {
    const { engine, native } = await engineOf({ pace: 'manual' }, { parallel, queue: 0 })
    const decided = engine.decide('a', scores(9), once)
    await expect.poll(() => native.submitted.length).toBe(most)
    await settle()
    expect(native.submitted).toHaveLength(most)
    if (parallel > 1) {
      const other = engine.complete('a', { maxTokens: 1 })
      native.step(3)
      expect(await other.text()).toBe('Once')
    }
    for (let i = 0; i < 20; i++) {
      native.step(3)
      await new Promise(setImmediate)
    }
    expect((await decided).answers).toHaveLength(9)
  })
})

describe('a prompt that is too long', () => {
  const long = 'x'.repeat(400)
  const limit = 500
  /** A token for each character, as the fake counts. */
  const script = (request: NativeRequest) => {
    const promptTokens = told(request).length
    if (promptTokens <= limit) return { tokens: [], promptTokens }
    const refuse = { code: 'ERR_CONTEXT_LENGTH', message: 'long', promptTokens } as const
    return { tokens: [], refuse: { ...refuse, contextTokens: limit } }
  }

  test('is the question that makes it so, by its number', async () => {
    const { engine } = await engineOf({ script })
    const [first, second] = scores(2)
    const questions = [first, second, { type: 'predicate', instructions: long }, first]
    await expect(engine.decide('a', questions as DecisionQuestion[])).rejects.toMatchObject({
      code: 'ERR_CONTEXT_LENGTH',
      option: 'questions[2]',
      contextTokens: limit,
      message: expect.stringMatching(/^'questions\[2\]': this question with its state has \d+/),
    })
  })

  test('is the state where that leaves no room for any question', async () => {
    const { engine } = await engineOf({ script })
    await expect(engine.decide(long + long, scores(2))).rejects.toMatchObject({
      code: 'ERR_CONTEXT_LENGTH',
      option: 'state',
      message: expect.stringMatching(/^'state': the state has \d+ tokens/),
    })
  })

  test('is the state where it is too long to be tokenized at all', async () => {
    const { engine, native } = await engineOf({ script })
    native.onTextJob = (job, answer) => {
      if (job.kind === 'tokenize-chat') throw new ContextLengthError('at least', 900, limit)
      answer()
    }
    await expect(engine.decide(long + long, scores(2))).rejects.toMatchObject({ option: 'state' })
  })

  test('tells how long the state is without the question that came with it', async () => {
    const { engine, native } = await engineOf({ script })
    native.onTextJob = (job, answer) => {
      if (job.kind === 'tokenize-chat') throw new ContextLengthError('as it is', 700, limit)
      answer()
    }
    const questions = [{ type: 'predicate' as const, instructions: long }]
    await expect(engine.decide(long + long, questions)).rejects.toMatchObject({
      option: 'state',
      promptTokens: 700,
    })
  })

  test('is told without a name where the engine has no time to look', async () => {
    const { engine, native } = await engineOf({ script })
    native.onTextJob = (job, answer) => {
      if (job.kind === 'tokenize-chat') throw new OverloadedError('the queue is full')
      answer()
    }
    await expect(engine.decide(long + long, scores(2))).rejects.toMatchObject({
      code: 'ERR_CONTEXT_LENGTH',
      contextTokens: limit,
    })
  })

  test('is told so of a question that no tokenizer takes', async () => {
    const refuse = { code: 'ERR_INVALID_REQUEST', message: 'a run of letters' } as const
    const { engine } = await engineOf({
      script: (request) => ({
        tokens: [],
        ...(told(request).includes('Question 1') ? { refuse } : {}),
      }),
    })
    await expect(engine.decide('a', scores(2))).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      option: 'questions[1]',
      message: "'questions[1]': a run of letters",
    })
  })
})

describe('the event loop goes on', () => {
  /** Turns of the loop until the condition holds. */
  async function turnsUntil(holds: () => boolean): Promise<number> {
    let turns = 0
    while (!holds()) {
      await new Promise(setImmediate)
      if (++turns > 10_000) throw new Error('it never came true')
    }
    return turns
  }

  test('while many questions are put into words', async () => {
    const { engine, native } = await engineOf({ pace: 'manual' })
    const first = engine.decide('a', scores(1), once)
    await turnsUntil(() => native.submitted.length === 1)
    native.step(3)
    await first // so that labels are known
    const few = engine.decide('a', scores(1), once)
    const least = await turnsUntil(() => native.submitted.length > 1)
    native.step(3)
    await few
    const { length } = native.submitted
    const many = engine.decide('a', scores(400), once)
    const turns = await turnsUntil(() => native.submitted.length > length)
    expect(turns - least).toBeGreaterThanOrEqual(400 / 16 - 1)
    await engine.close()
    await expect(many).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('while labels are looked for: other texts are answered in between', async () => {
    const { engine, native } = await engineOf({ model: { vocabulary: 20_000 } })
    const order: string[] = []
    native.onTextJob = (job, answer) => {
      order.push(job.kind === 'pieces' ? `pieces ${job.tokens.length}` : job.kind)
      setImmediate(answer)
    }
    const decided = engine.decide('a', scores(1), once)
    await turnsUntil(() => order.includes('pieces 4096'))
    await engine.tokenize('a')
    await decided
    expect(order.indexOf('tokenize')).toBeLessThan(order.lastIndexOf('pieces 3616'))
    expect(order.filter((one) => one === 'pieces 4096')).toHaveLength(4)
  })
})
