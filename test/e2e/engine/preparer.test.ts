import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, type LoadOptions, load, type SluiceError } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'
import { CHATML_TEMPLATE } from '../../support/models/tokenizers.js'
import { cpuMsOf } from '../../support/processor/cpu-time.js'

/** Looks back over all messages from each of them, as Gemma 4's own template does. */
const lookingBack =
  '{%- for message in messages %}{%- for other in messages %}' +
  "{%- if other['role'] == 'nobody' and message['role'] == 'nobody' %}?{% endif %}" +
  `{%- endfor %}{%- endfor %}${CHATML_TEMPLATE}`
const model = () => randomModel({ chatTemplate: lookingBack, context: 2 ** 20 })
const short = [{ role: 'user', content: 'Tell me a story.' }] as const
const greedy = { maxTokens: 3, ignoreEos: true, temperature: 0 }

/** What a run takes of the processor, up to the work that it may do. */
let wholeMs = 0
/** What it ends with. */
let tooMuch: SluiceError
beforeAll(async () => {
  const engine = await open()
  wholeMs = await cpuMsOf(async () => {
    tooMuch = await failure(engine.applyTemplate(conversation(3000)))
  })
  await engine.close()
})

let engine: Engine | undefined
afterEach(() => engine?.close())

async function open(options: Partial<LoadOptions> = {}): Promise<Engine> {
  engine = await load({ model: model(), context: 2 ** 17, parallel: 1, ...options })
  return engine
}

function conversation(messages: number) {
  return Array.from({ length: messages }, (_, i) => ({
    role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: 'Hm.',
  }))
}

async function failure(promise: PromiseLike<unknown>): Promise<SluiceError> {
  try {
    await promise
  } catch (error) {
    return error as SluiceError
  }
  return expect.fail('it was done')
}

describe('a template that looks back over all messages', () => {
  test('is stopped at so much work, with the number of messages, and always alike', async () => {
    const engine = await open()
    expect(tooMuch).toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      message: expect.stringMatching(/chat template takes too long for these 3000 messages.*fewer/),
    })
    const chat = await failure(engine.chat(conversation(3000), greedy).done)
    expect(chat.message).toBe(tooMuch.message)
    const counted = await failure(engine.countTokens(conversation(3000)))
    expect(counted.message).toBe(tooMuch.message)
    expect(await engine.chat(short, greedy).text()).not.toBe('')
  })

  test('is answered while it is below that, beside others that are done before it', async () => {
    // On a busy machine several threads wait for each other with each step.
    const engine = await open({ parallel: 2, context: 8192, threads: 1 })
    const ends: string[] = []
    const slow = engine.chat(conversation(280), greedy) // near that
    void slow.done.then(() => ends.push('slow'))
    const others = Array.from({ length: 20 }, () => engine.chat(short, greedy))
    await Promise.all(others.map((one) => one.done))
    expect(ends).toEqual([])
    await engine.tokenize('Once upon a time')
    await engine.applyTemplate(short)
    expect(ends).toEqual([])
    expect((await slow.done).usage.completionTokens).toBe(3)
  })

  test('keeps no text of others waiting, however many such there are', async () => {
    const engine = await open()
    const ends: string[] = []
    const slow = Array.from({ length: 3 }, () =>
      engine.applyTemplate(conversation(280)).then(() => ends.push('slow')),
    )
    for (let i = 0; i < 20; i++) await engine.tokenize('Once upon a time')
    // With three of them before it, at most the first is done by then.
    expect(ends.length).toBeLessThan(2)
    await Promise.all(slow)
  })

  test('is given up when its sender leaves, and a slot is free at once', async () => {
    const engine = await open({ queue: 1 })
    const leaving = [engine.chat(conversation(3000)), engine.chat(conversation(3000))]
    const refused = await failure(engine.chat(short).done)
    expect(refused.code).toBe('ERR_OVERLOADED')
    const taken = await cpuMsOf(async () => {
      for (const one of leaving) one.cancel()
      const ends = await Promise.all(leaving.map((one) => one.done))
      expect(ends.map((one) => one.finishReason)).toEqual(['cancelled', 'cancelled'])
      expect(await engine.chat(short, greedy).text()).not.toBe('')
    })
    expect(taken).toBeLessThan(wholeMs / 2)
    expect(engine.stats()).toMatchObject({ cancelled: 2, finished: 1, failed: 0, queued: 0 })
  })

  test('is given up where only its text was asked for', async () => {
    const engine = await open()
    const leaving = new AbortController()
    const slow = [1, 2, 3].map(() =>
      engine.applyTemplate(conversation(3000), {}, { signal: leaving.signal }),
    )
    const ends = Promise.allSettled(slow)
    await engine.applyTemplate(short)
    leaving.abort()
    expect(await ends).toMatchObject(slow.map(() => ({ reason: { code: 'ERR_CANCELLED' } })))
    // In the same lane, behind what was given up.
    const taken = await cpuMsOf(() => engine.applyTemplate(conversation(120)))
    expect(taken).toBeLessThan(wholeMs / 2)
  })

  test('does not keep close() waiting', async () => {
    const engine = await open()
    const slow = [1, 2, 3].map(() => engine.chat(conversation(3000)).done)
    const texts = engine.applyTemplate(conversation(3000))
    const ends = Promise.allSettled([...slow, texts])
    await engine.tokenize('a')
    expect(await cpuMsOf(() => engine.close())).toBeLessThan(wholeMs / 2)
    const closed = { status: 'rejected', reason: { code: 'ERR_CLOSED' } }
    expect(await ends).toMatchObject([closed, closed, closed, closed])
  })
})

/** Asked again where a busy machine takes longer than the deadline; `late` is how often it did. */
async function inTime(ask: () => Promise<string>): Promise<{ answer: string; late: number }> {
  let late = 0
  let answer: string | undefined
  await eventually(async () => {
    answer = await ask().catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
      late++
      return undefined
    })
    return answer !== undefined
  }, 'it was never in time')
  return { answer: answer as unknown as string, late }
}

describe('the queue’s deadline', () => {
  test('holds while a request is with the Preparer, and frees its slot', async () => {
    const engine = await open({ queueDeadlineMs: 300, queue: 1 })
    const slow = [engine.chat(conversation(3000)), engine.chat(conversation(3000))]
    const errors = await Promise.all(slow.map((one) => failure(one.accepted)))
    for (const error of errors) {
      expect(error).toMatchObject({
        code: 'ERR_QUEUE_TIMEOUT',
        message: expect.stringContaining('not ready within 300 ms'),
      })
    }
    // Nobody hears of them again.
    const { answer, late } = await inTime(() => engine.chat(short, greedy).text())
    expect(answer).not.toBe('')
    await eventually(() => engine.stats().queued === 0)
    const counts = { started: 3 + late, failed: 2 + late, finished: 1, cancelled: 0 }
    expect(engine.stats()).toMatchObject(counts)
    for (const one of slow) await expect(one.done).rejects.toBeDefined()
  })

  test('holds for all choices of a reply', async () => {
    const engine = await open({ queueDeadlineMs: 300, parallel: 3 })
    const reply = engine.chat(conversation(3000), { n: 3 })
    expect(await failure(reply.done)).toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
    await eventually(() => engine.stats().queued === 0)
    expect(engine.stats().started).toBe(3)
  })

  test('holds for a text, wherever it is', async () => {
    const engine = await open({ queueDeadlineMs: 300 })
    const slow = [1, 2, 3, 4].map(() => failure(engine.applyTemplate(conversation(3000))))
    for (const error of await Promise.all(slow)) {
      expect(error).toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
    }
    const { answer } = await inTime(() => engine.applyTemplate(short))
    expect(answer).toContain('Tell me a story.')
  })

  test('holds for a request that waits behind one that was submitted later', async () => {
    // The one that runs does not wait for its reader: parked, it would give up its slot.
    const engine = await open({ queueDeadlineMs: 1500, parallel: 1, window: 2 ** 16 })
    const running = engine.chat(short, { ignoreEos: true })
    await running.accepted
    const late = engine.chat(conversation(120), greedy) // takes longer to prepare than the next
    const later = engine.chat(short, greedy)
    expect(await failure(late.done)).toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
    expect(await failure(later.done)).toMatchObject({ code: 'ERR_QUEUE_TIMEOUT' })
    running.cancel()
    await running.done
  })
})

describe('a long text', () => {
  const long = 'Once upon a time there was a fox in a wood. '.repeat(20_000)

  test('stands before no other request, and is answered as it would be alone', async () => {
    const engine = await open({ parallel: 2 })
    const order: string[] = []
    const tokens = engine.tokenize(long).then((found) => {
      order.push('long')
      return found
    })
    const other = engine.chat(short, greedy).done.then(() => order.push('short'))
    await engine.tokenize('a').then(() => order.push('a'))
    await Promise.all([tokens, other])
    expect(order.indexOf('long')).toBeGreaterThan(order.indexOf('a'))
    expect((await tokens).length).toBeGreaterThan(100_000)
    expect(await engine.detokenize(await tokens)).toBe(long)
  })
})

test('a grammar that takes long is compiled beside others, and its fault is the same', async () => {
  const engine = await open({ parallel: 2, context: 4096 })
  const large = `root ::= ${'"a"{0,20000} '.repeat(3)}`
  const tooLarge = `root ::= ${'"a"{0,20000} '.repeat(10)}`
  const [reply, error] = await Promise.all([
    engine.complete('Once', { grammar: large, maxTokens: 4, ignoreEos: false }).done,
    failure(engine.complete('Once', { grammar: tooLarge, maxTokens: 4 }).done),
  ])
  expect(reply.finishReason).toMatch(/length|stop/)
  expect(error).toMatchObject({
    code: 'ERR_INVALID_GRAMMAR',
    message: expect.stringContaining('more than 400000 elements'),
  })
})
