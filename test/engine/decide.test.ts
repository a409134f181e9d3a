import { describe, expect, test } from 'vitest'
import type { DecisionQuestion } from '../../src/api/decision-types.js'
import type { NativeRequest } from '../../src/binding/engine-port.js'
import { answerOf } from '../../src/engine/decide/answers.js'
import { askToGoOn } from '../../src/engine/decide/continuations.js'
import { Labels } from '../../src/engine/decide/labels.js'
import { engineOf, once, scores } from '../support/decisions/over-fake.js'
import { closeAfterEach } from '../support/serve.js'
import { wireCheck } from '../support/wire/checks.mjs'

// Decisions over a fake: what is in flight, what ends it, and how readings become answers.

closeAfterEach()

const going: DecisionQuestion = { type: 'choice', choices: ['fox'], begins: 'A' }

describe('in flight', () => {
  test('are twice as many questions as there are slots, and the next as one ends', async () => {
    const { engine, native } = await engineOf({ pace: 'manual' }, { parallel: 3, queue: 100 })
    const decided = engine.decide('a', scores(20), once)
    await expect.poll(() => native.submitted.length).toBe(6)
    native.step(3)
    await expect.poll(() => native.submitted.length).toBe(9)
    for (let i = 0; i < 20; i++) {
      native.step(3)
      await new Promise(setImmediate)
    }
    expect((await decided).answers).toHaveLength(20)
    expect(native.submitted).toHaveLength(20)
  })

  test('leave others half of a short queue', async () => {
    const { engine, native } = await engineOf({ pace: 'manual' }, { parallel: 4, queue: 4 })
    const decided = engine.decide('a', scores(20), once)
    await expect.poll(() => native.submitted.length).toBe(6)
    const other = engine.complete('a', { maxTokens: 1 })
    for (let i = 0; i < 20; i++) {
      native.step(3)
      await new Promise(setImmediate)
    }
    expect(await other.text()).toBe('Once')
    expect((await decided).answers).toHaveLength(20)
  })

  test('are as many as the queue takes, where others are in it', async () => {
    const { engine, native } = await engineOf({ pace: 'manual' }, { parallel: 2, queue: 2 })
    const others = [1, 2].map(() => engine.complete('a', { maxTokens: 1 }))
    const decided = engine.decide('a', scores(5), once)
    await expect.poll(() => native.submitted.length).toBe(4)
    for (let i = 0; i < 20; i++) {
      native.step(3)
      await new Promise(setImmediate)
    }
    expect((await decided).answers).toHaveLength(5)
    for (const other of others) await other.text()
  })

  test('is none once the signal fired, and the call rejects with its reason', async () => {
    const { engine, native } = await engineOf({ pace: 'manual' })
    const leaving = new AbortController()
    const decided = engine.decide('a', scores(20), { signal: leaving.signal })
    await expect.poll(() => native.submitted.length).toBe(8)
    leaving.abort('enough')
    await expect(decided).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
    expect(native.cancelled).toHaveLength(8)
    native.step(3)
    await expect.poll(() => engine.stats().cancelled).toBe(8)
    expect(native.submitted).toHaveLength(8)
  })

  test('is none once one failed, and the call rejects as that one', async () => {
    const { engine, native } = await engineOf({ pace: 'manual' })
    const decided = engine.decide('a', scores(20))
    await expect.poll(() => native.submitted.length).toBe(8)
    native.fail(native.submitted[2]?.id ?? 0, { code: 'ERR_ENGINE_FAILED', message: 'no more' })
    await expect(decided).rejects.toMatchObject({ code: 'ERR_ENGINE_FAILED', message: 'no more' })
    expect(native.cancelled).toHaveLength(7)
  })

  test('is given up even where the engine cannot be told, which surfaces', async () => {
    const { engine, native } = await engineOf({ pace: 'manual' })
    const surfaced: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => surfaced.push(error))
    try {
      const decided = engine.decide('a', scores(20), once)
      await expect.poll(() => native.submitted.length).toBe(8)
      const cancel = native.cancel.bind(native)
      let calls = 0
      native.cancel = (id) => {
        calls++
        if (calls === 1) throw new Error('no memory')
        cancel(id)
      }
      native.fail(native.submitted[2]?.id ?? 0, { code: 'ERR_ENGINE_FAILED', message: 'no more' })
      await expect(decided).rejects.toMatchObject({ message: 'no more' })
      expect(native.cancelled).toHaveLength(6)
      await expect.poll(() => surfaced).toEqual([new Error('no memory')])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
  })

  test('is none of an engine that was closed, or whose signal had fired before', async () => {
    const { engine, native } = await engineOf()
    const signal = AbortSignal.abort()
    await expect(engine.decide('a', scores(1), { signal })).rejects.toMatchObject({
      code: 'ERR_CANCELLED',
    })
    await engine.close()
    await expect(engine.decide('a', scores(1))).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(native.submitted).toEqual([])
  })
})

describe('the look through the vocabulary', () => {
  async function heldEngine() {
    const { engine, native } = await engineOf()
    const held: (() => void)[] = []
    native.onTextJob = (job, answer) => {
      if (job.kind === 'pieces') held.push(answer)
      else answer()
    }
    return { engine, held }
  }

  test('is not waited for once the signal fired, and goes on for others', async () => {
    const { engine, held } = await heldEngine()
    const leaving = new AbortController()
    const left = engine.decide('a', scores(1), { signal: leaving.signal })
    const stays = engine.decide('a', scores(1))
    await expect.poll(() => held.length).toBe(1)
    leaving.abort('enough')
    await expect(left).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'enough' })
    for (const answer of held) answer()
    expect((await stays).answers).toHaveLength(1)
    expect(held).toHaveLength(1)
  })

  test('that fails has an error of its own for each who waits', async () => {
    const { engine, held } = await heldEngine()
    const decided = [1, 2].map(() => engine.decide('a', scores(1)).catch((error) => error))
    await expect.poll(() => held.length).toBe(1)
    const closed = engine.close()
    const [one, other] = await Promise.all(decided)
    expect(one).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED' })
    expect(other).toMatchObject({ name: 'ClosedError', code: 'ERR_CLOSED', message: one.message })
    expect(other).not.toBe(one)
    await closed
  })
})

describe(wireCheck(66), () => {
  const textOf = ({ prompt }: NativeRequest) => {
    if (typeof prompt !== 'object' || !('messages' in prompt)) throw new Error('no conversation')
    return prompt.messages.map(({ role, content }) => `<${role}>${content}`).join('')
  }
  // A token for each character, as the fake has it where it counts.
  const script = (request: NativeRequest) => ({
    tokens: [],
    promptTokens: textOf(request).length,
  })
  const asking = (instructions: string): DecisionQuestion => {
    return { type: 'score', instructions, levels: ['only'] }
  }
  const before = 'Question: '

  test.each([
    ['that differ', ['One?', 'Two is long?', 'Three?']],
    ['of which two begin alike', ['Is it about money?', 'Is it about time?', 'Why?']],
    ['that are the same', ['Is it?', 'Is it?', 'Is it?', 'Is it?']],
    ['alone', ['Is it?']],
  ])('usage counts the state once, and questions %s as often as asked', async (_, texts) => {
    const { engine, native } = await engineOf({ script })
    const { usage } = await engine.decide('The state.', texts.map(asking), once)
    const prompts = native.submitted.map(textOf)
    const [first = ''] = prompts
    const shared = first.indexOf(before) + before.length
    const own = prompts.reduce((sum, prompt) => sum + prompt.length - shared, 0)
    expect(usage.promptTokens).toBe(shared + own)
  })

  test('usage counts the state once where some questions begin their answer', async () => {
    const { engine, native } = await engineOf({ script })
    const questions = [going, asking('Is it?'), going, asking('Why?')]
    const { usage } = await engine.decide('The state.', questions, once)
    const prompts = native.submitted.map(textOf)
    const introduced = (prompts[1] ?? '').indexOf(before) + before.length
    const own = prompts.map((prompt) => {
      const shared = prompt.includes(before) ? introduced : '<user>The state.'.length
      return prompt.length - shared
    })
    expect(usage.promptTokens).toBe(own.reduce((sum, one) => sum + one, introduced))
  })

  test('usage is counted once the answers are there', async () => {
    const { engine, native } = await engineOf({ pace: 'manual', script })
    const counted: number[] = []
    native.onTextJob = ({ kind }, answer) => {
      if (kind === 'tokenize-chat') counted.push(native.submitted.length)
      answer()
    }
    const decided = engine.decide('a', scores(2), once)
    await expect.poll(() => native.submitted.length).toBe(2)
    expect(counted).toEqual([])
    native.step(3)
    await decided
    expect(counted).toEqual([2, 2])
  })

  test('usage that cannot be counted has each prompt as a whole, and answers stay', async () => {
    const { engine, native } = await engineOf({ script })
    native.onTextJob = ({ kind }, answer) => {
      if (kind === 'tokenize-chat') throw new Error('no memory')
      answer()
    }
    const { answers, usage } = await engine.decide('a', scores(2), once)
    expect(answers).toHaveLength(2)
    const whole = native.submitted.reduce((sum, request) => sum + textOf(request).length, 0)
    expect(usage).toEqual({ promptTokens: whole, cachedTokens: 0 })
  })
})

test.each([
  ['state', 7, scores(1), {}, 'state'],
  ['state', [], scores(1), {}, 'state'],
  ['a message', [{ role: 'wizard' }], scores(1), {}, 'state[0].role'],
  ['questions', 'a', 'Is it?', {}, 'questions'],
  ['questions', 'a', [], {}, 'questions'],
  ['a question', 'a', [7], {}, 'questions[0]'],
  ['a type', 'a', [{ type: 'noul' }], {}, 'questions[0].type'],
  ['a field', 'a', [{ ...scores(1)[0], name: 'b' }], {}, 'questions[0].name'],
  ['levels', 'a', [{ type: 'score', levels: [] }], {}, 'questions[0].levels'],
  ['begins', 'a', [{ type: 'choice', choices: ['b'], begins: '' }], {}, 'questions[0].begins'],
  ['a beginning', 'a', [{ ...going, begins: 'A ' }], {}, 'questions[0].begins'],
  ['orders', 'a', scores(1), { orders: 3 }, 'orders'],
  ['an option', 'a', scores(1), { order: 1 }, 'order'],
])('%s of another kind is an error with its path', async (_, state, questions, options, option) => {
  const { engine } = await engineOf()
  const decided = engine.decide(state as never, questions as never, options as never)
  await expect(decided).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option })
})

test('a state with calls of tools is refused where the template writes none', async () => {
  const { engine, native } = await engineOf({ model: { callFormat: 'none' } })
  const state = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'c', name: 'look', arguments: '{}' }] },
    { role: 'tool', content: 'b', toolCallId: 'c' },
  ]
  await expect(engine.decide(state as never, scores(1))).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
    option: 'state[1].toolCalls',
    message: expect.stringContaining("'state[1].toolCalls': expected none"),
  })
  expect(native.submitted).toEqual([])
})

describe('a beginning', () => {
  const said = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
  ] as const

  test('is refused right behind an answer, and taken behind a question', async () => {
    const { engine, native } = await engineOf()
    await expect(engine.decide(said, [going])).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      option: 'questions[0].begins',
    })
    expect(native.submitted).toEqual([])
    const { answers } = await engine.decide(said, [{ ...going, instructions: 'Who?' }])
    expect(answers).toHaveLength(1)
  })

  test.each([
    ['are others with a choice behind it', [1, 9], 'changes the tokens of "begins"'],
    ['are all there is', [1, 2], 'has none'],
  ])('whose tokens %s is refused', async (_, whole, why) => {
    const question = { type: 'choice', choices: ['b'] } as const
    const tokensOf = async (text: string) => Int32Array.from(text === 'a' ? [1, 2] : whole)
    await expect(askToGoOn(question, 'a', tokensOf, 'questions[3]')).rejects.toMatchObject({
      option: 'questions[3].choices[0]',
      message: expect.stringContaining(why),
    })
  })
})

const choice = { type: 'choice', choices: ['a', 'b', 'c'] } as const
const logs = (...shares: number[]) => shares.map(Math.log)

describe(wireCheck(64), () => {
  test('an answer has shares of what stood on the labels, and how much that was', () => {
    expect(answerOf(choice, [logs(0.1, 0.3, 0.1)])).toEqual({
      type: 'choice',
      choice: 'b',
      confidence: expect.closeTo(0.4),
      probabilities: [
        { value: 'a', probability: expect.closeTo(0.2) },
        { value: 'b', probability: expect.closeTo(0.6) },
        { value: 'c', probability: expect.closeTo(0.2) },
      ],
      mass: expect.closeTo(0.5),
    })
  })
})

describe(wireCheck(65), () => {
  test('an answer of two orders has the mean of their logarithms, which takes out a taste', () => {
    // It likes the first label nine times as much as the second, and "b" twice as much as "a".
    const question = { type: 'choice', choices: ['a', 'b'] } as const
    const readings = [logs(9 / 11, 2 / 11), logs(1 / 19, 18 / 19)]
    const { probabilities } = answerOf(question, readings) as {
      probabilities: readonly { probability: number }[]
    }
    expect(probabilities[1]?.probability).toBeCloseTo(2 / 3, 12)
  })

  test('choices are shown and answered alike, in whatever order they were given', async () => {
    // The likeliest label is the first, whichever choice it stands for.
    const script = ({ labelTokens }: NativeRequest) => {
      return { tokens: [], labelLogprobs: labelTokens.map((token) => 64 - token) }
    }
    const { engine, native } = await engineOf({ script })
    const asked = async (choices: string[]) => {
      const question = { type: 'choice', instructions: 'Which?', choices } as const
      const { answers } = await engine.decide('a', [question], once)
      return answers[0]
    }
    const [one, other] = [await asked(['fox', 'bear']), await asked(['bear', 'fox'])]
    expect([one, other]).toMatchObject([{ choice: 'bear' }, { choice: 'bear' }])
    const [first, second] = native.submitted.map(({ prompt }) => prompt)
    expect(second).toEqual(first)
  })
})

describe('an answer', () => {
  test('is of no more confidence than 1, and of none where all are equal', () => {
    expect(answerOf(choice, [[0, -9999, -9999]])).toMatchObject({ confidence: 1, mass: 1 })
    expect(answerOf(choice, [[-9, -9, -9]])).toMatchObject({ confidence: 0, choice: 'a' })
    expect(answerOf({ type: 'choice', choices: [true] }, [[-9]])).toMatchObject({ confidence: 1 })
  })

  test('of a score is the mean of the places', () => {
    const question = { type: 'score', levels: ['low', { label: 'high' }] } as const
    expect(answerOf(question, [logs(0.25, 0.75)])).toMatchObject({ score: expect.closeTo(0.75) })
  })

  test('is numbers where the model excludes all labels', () => {
    expect(answerOf(choice, [[-9999, -9999, -9999]])).toMatchObject({
      mass: 0,
      probabilities: [{ probability: expect.closeTo(1 / 3) }, {}, {}],
    })
  })
})

describe('labels', () => {
  const labelsOf = (pieces: string[]) => {
    const bytes = pieces.map((piece) => new TextEncoder().encode(piece))
    return Labels.of(pieces.length, async (tokens) =>
      Array.from(tokens, (i) => bytes[i] as Uint8Array),
    )
  }
  const letters = Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i))

  test('are letters first, then pairs, each with all tokens that write it', async () => {
    const labels = await labelsOf(['AA', ...letters, ...letters.map((one) => ` ${one}`), 'A', 'ZZ'])
    const some = labels.ofOptions(2, 'x')
    expect(some).toEqual([
      { text: 'A', tokens: [1, 53, 27] },
      { text: 'B', tokens: [2, 28] },
    ])
    // No blank stands before a pair, so none counts before a letter.
    const all = labels.ofOptions(28, 'x')
    expect(all.slice(25)).toEqual([
      { text: 'Z', tokens: [26] },
      { text: 'AA', tokens: [0] },
      { text: 'ZZ', tokens: [54] },
    ])
    expect(() => labels.ofOptions(29, 'questions[0].choices')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_REQUEST', option: 'questions[0].choices' }),
    )
  })

  test('are made once for each number of options', async () => {
    const labels = await labelsOf(letters)
    expect(labels.ofOptions(5, 'x')).toBe(labels.ofOptions(5, 'y'))
    expect(labels.ofOptions(4, 'x')).toHaveLength(4)
  })

  test('may be written behind a blank alone', async () => {
    const labels = await labelsOf([' A', ' B', 'B'])
    expect(labels.ofOptions(2, 'x').map(({ tokens }) => tokens)).toEqual([[0], [1]])
  })

  test('of yes and no are in as many spellings each, or there are none', async () => {
    const labels = await labelsOf(['yes', ' Yes', 'YES', 'no', ' No', 'No'])
    expect(labels.yesAndNo()).toEqual([
      { text: 'yes', tokens: [0, 1] },
      { text: 'no', tokens: [3, 4] },
    ])
    expect((await labelsOf(['yes', 'No'])).yesAndNo()).toBeUndefined()
  })
})
