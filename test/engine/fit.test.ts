import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeChat, NativeRequest } from '../../src/binding/engine-port.js'
import { answersOf } from '../../src/engine/fit/answers.js'
import {
  type ChatMessage,
  type ContextLengthError,
  type Engine,
  type FitOptions,
  load,
} from '../../src/index.js'
import { FakeAddon } from '../support/fake-binding.js'

// Over the fake, whose template is `<role>content` and whose tokens are its characters.

const context = 1000
const system: ChatMessage = { role: 'system', content: 'Be kind.' }
let engine: Engine | undefined

afterEach(async () => {
  await engine?.close()
  engine = undefined
  useBinding(undefined)
})

async function open() {
  const addon = new FakeAddon({ script: () => ({ tokens: ['Fine.'] }) })
  useBinding(addon)
  engine = await load({ model: 'fake.gguf', context })
  /** The conversations that were counted. */
  const counted: NativeChat['messages'][] = []
  addon.engine.onTextJob = (job, answer) => {
    if (job.kind === 'tokenize-chat') counted.push(job.chat.messages)
    answer()
  }
  return { engine, native: addon.engine, counted }
}

function tokensOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { role, content = '' }) => sum + role.length + 2 + content.length, 0)
}

/** A user's message and its answer, of some 30 to 90 tokens, the same each time. */
function turn(i: number): ChatMessage[] {
  return [
    { role: 'user', content: `Question ${i}?${'.'.repeat((i * 7) % 23)}` },
    { role: 'assistant', content: `Answer ${i}.${'.'.repeat((i * 13) % 37)}` },
  ]
}

function turns(count: number): ChatMessage[] {
  return Array.from({ length: count }, (_, i) => turn(i)).flat()
}

/** A call and its answer. */
function round(i: number): ChatMessage[] {
  return [
    { role: 'assistant', toolCalls: [{ id: `c${i}`, name: 'look', arguments: '{}' }] },
    { role: 'tool', toolCallId: `c${i}`, content: `Result ${i}.${'.'.repeat((i * 11) % 41)}` },
  ]
}

const ask: ChatMessage = { role: 'user', content: 'And now?' }

describe('engine.fit', () => {
  test('gives back a conversation that fits, and counts it once', async () => {
    const { engine, counted } = await open()
    const messages = [system, ...turns(3), ask]
    const fitted = await engine.fit(messages)
    const promptTokens = tokensOf(messages)
    const replyTokens = context - promptTokens
    expect(fitted).toEqual({ messages, dropped: [], promptTokens, replyTokens })
    expect(fitted.messages[1]).toBe(messages[1])
    expect(counted).toHaveLength(1)
  })

  test('drops the oldest turns whole, and no more than it says', async () => {
    const { engine } = await open()
    for (let count = 1; count < 120; count++) {
      const messages = [system, ...turns(count), ask]
      const fitted = await engine.fit(messages)
      const { dropped, promptTokens } = fitted
      // A beginning of the turns, without the system's message before them.
      expect(dropped).toEqual(dropped.map((_, i) => i + 1))
      expect(dropped.length % 2).toBe(0)
      expect(fitted.messages).toEqual(messages.filter((_, i) => !dropped.includes(i)))
      expect(promptTokens).toBe(tokensOf(fitted.messages))
      expect(promptTokens).toBeLessThanOrEqual(750)
      if (dropped.length > 0) expect(promptTokens).toBeGreaterThan(0.375 * 750)
      else expect(promptTokens).toBe(tokensOf(messages))
    }
  })

  test.each([0.25, 0.5, 0.8])(
    'keeps its place from turn to turn, at a ratio of %f',
    async (ratio) => {
      const { engine } = await open()
      const length = 400
      let last = 0
      let drops = 0
      for (let count = 0; count < length; count++) {
        const messages = [system, ...turns(count), ask]
        const { dropped } = await engine.fit(messages, { retentionRatio: ratio })
        expect(dropped.length).toBeGreaterThanOrEqual(last)
        if (dropped.length > last) drops++
        last = dropped.length
      }
      // As many as it takes where each one frees as much as the ratio says, and a quarter more.
      const free = 750 - tokensOf([system])
      expect(drops).toBeLessThan((1.25 * tokensOf(turns(length))) / (free * (1 - ratio)))
    },
  )

  test('keeps a long turn before the last ones where it has room', async () => {
    const { engine } = await open()
    const document: ChatMessage = { role: 'user', content: 'x'.repeat(450) }
    const read: ChatMessage = { role: 'assistant', content: 'I have read it.' }
    for (let count = 10; count < 60; count++) {
      const end = [document, read, ...turn(count), ask]
      const { messages } = await engine.fit([system, ...turns(count), ...end])
      expect(messages).toContain(document)
    }
  })

  test('keeps all that fits with a ratio of 1', async () => {
    const { engine } = await open()
    for (const count of [15, 16, 17, 40, 41]) {
      const messages = [system, ...turns(count), ask]
      const { dropped } = await engine.fit(messages, { retentionRatio: 1 })
      const oneLess = messages.filter((_, i) => i === 0 || i > dropped.length - 2)
      expect(dropped.length).toBeGreaterThan(0)
      expect(tokensOf(oneLess)).toBeGreaterThan(750)
    }
  })

  test('goes on from what an earlier call left', async () => {
    const { engine } = await open()
    let history: ChatMessage[] = [system]
    let drops = 0
    for (let i = 0; i < 200; i++) {
      const [question = ask, answer = ask] = turn(i)
      const { messages, dropped } = await engine.fit([...history, question])
      if (dropped.length > 0) drops++
      expect(messages[0]).toBe(system)
      expect(messages[1]?.role).toBe('user')
      history = [...messages, answer]
    }
    expect(drops).toBeLessThan(60)
  })

  test('makes few prompts of 10,000 messages, none of them long', async () => {
    const { engine, counted } = await open()
    const messages = [system, ...turns(5000), ask]
    const { promptTokens, dropped } = await engine.fit(messages)
    expect(promptTokens).toBeLessThanOrEqual(750)
    expect(dropped.length).toBeGreaterThan(9900)
    expect(counted.length).toBeLessThanOrEqual(12)
    for (const one of counted) expect(one.length).toBeLessThan(400)
  })

  test('counts more of a conversation whose messages are hardly any tokens', async () => {
    const { engine, native } = await open()
    native.onTextJob = undefined
    const empty = Array.from({ length: 80 }, (): ChatMessage => ({ role: 'user', content: '' }))
    const { dropped } = await engine.fit([{ role: 'user', content: 'x'.repeat(200) }, ...empty])
    expect(dropped).toEqual([])
  })
})

describe('what stays', () => {
  test('calls and their answers are not divided, whatever stands between them', async () => {
    const { engine } = await open()
    const conversation: ChatMessage[] = [system]
    for (let i = 0; i < 60; i++) {
      const [call = ask, answer = ask] = round(i)
      const [question = ask, last = ask] = turn(i)
      const late = i % 3 === 0
      conversation.push(question, call, ...(late ? turn(1000 + i) : []), answer, last)
      const { messages } = await engine.fit([...conversation, ask])
      const calls = messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ id }) => id))
      const answers = messages.flatMap(({ toolCallId = [] }) => toolCallId)
      expect(answers).toEqual(calls)
      expect(messages[1]?.role).toBe('user')
    }
  })

  test('an answer without an id belongs to the first call that waits', async () => {
    const { engine } = await open()
    const call = { role: 'assistant' as const, toolCalls: [{ name: 'look' }, { name: 'see' }] }
    const late = [call, ...turns(12), { role: 'tool' as const }, { role: 'tool' as const }]
    const conversation = [ask, ...late, ...turns(12), ask]
    const { messages } = await engine.fit(conversation)
    expect(messages.some(({ role }) => role === 'tool')).toBe(messages.includes(call))
  })

  test('of a turn that is too long alone, its question and its last rounds', async () => {
    const { engine } = await open()
    let last = 0
    for (let rounds = 1; rounds < 60; rounds++) {
      const run = [ask, ...Array.from({ length: rounds }, (_, i) => round(i)).flat()]
      const { messages, dropped } = await engine.fit([system, ...turns(2), ...run])
      expect(messages.slice(0, 2).map(({ role }) => role)).toEqual(['system', 'user'])
      expect(messages).toContain(ask)
      expect(messages.slice(-2)).toEqual(round(rounds - 1))
      expect(dropped.length).toBeGreaterThanOrEqual(last)
      last = dropped.length
    }
    expect(last).toBeGreaterThan(80)
  })

  test('a turn that was cut is dropped whole only once others take its room', async () => {
    const { engine } = await open()
    const run = [ask, ...Array.from({ length: 40 }, (_, i) => round(i)).flat()]
    const done: ChatMessage = { role: 'assistant', content: 'Done.' }
    const { messages } = await engine.fit([system, ...run, done, { ...ask, content: 'Thanks.' }])
    expect(messages).toContain(ask)
    expect(messages).toContain(done)
  })

  test('system and developer messages, wherever they stand', async () => {
    const { engine } = await open()
    const late: ChatMessage = { role: 'developer', content: 'Be brief.' }
    const { messages } = await engine.fit([system, ...turns(4), late, ...turns(40), ask])
    expect(messages.slice(0, 2)).toEqual([system, late])
    expect(messages[2]?.role).toBe('user')
  })

  test.each([
    ['the first turns', { first: 2 }, [1, 2, 3, 4]],
    [
      'turns of messages that a function names',
      (_: ChatMessage, i: number) => i === 0 || i === 6,
      [5, 6],
    ],
  ] satisfies [string, FitOptions['keep'], number[]][])(
    '%s, where asked for',
    async (_, keep, kept) => {
      const { engine } = await open()
      const messages = [system, ...turns(40), ask]
      const { dropped } = await engine.fit(messages, { keep })
      const isKept = (i: number) => i === 0 || kept.includes(i)
      expect(dropped).toEqual(dropped.map((at) => at).filter((at) => !isKept(at)))
      expect(dropped.slice(0, 2)).toEqual(
        [1, 2, 3, 4, 5, 6].filter((at) => !isKept(at)).slice(0, 2),
      )
      const { messages: left } = await engine.fit(messages, { keep })
      for (const at of [0, ...kept]) expect(left).toContain(messages[at])
    },
  )

  test('a function decides of system messages too', async () => {
    const { engine } = await open()
    const { messages } = await engine.fit([system, ...turns(40), ask], { keep: () => false })
    expect(messages[0]?.role).toBe('user')
  })

  test('the last turns whole, or an error', async () => {
    const { engine } = await open()
    const messages = [system, ...turns(40), ask]
    const { messages: left } = await engine.fit(messages, { keep: { last: 8 }, retentionRatio: 0 })
    expect(left).toEqual(expect.arrayContaining(messages.slice(-15)))
    const all = engine.fit(messages, { keep: { last: 40 } })
    await expect(all).rejects.toHaveProperty('code', 'ERR_CONTEXT_LENGTH')
    const more = engine.fit(messages, { keep: { last: 4000 } })
    await expect(more).rejects.toHaveProperty('code', 'ERR_CONTEXT_LENGTH')
  })
})

test('the conversation is what it was when it was asked for', async () => {
  const { engine } = await open()
  const messages = turns(40)
  const fit = engine.fit(messages)
  messages.push({ role: 'user', content: 'later' })
  messages.shift()
  const fitted = await fit
  expect(fitted.messages).toEqual(turns(40).slice(fitted.dropped.length))
  expect(fitted.promptTokens).toBe(tokensOf(fitted.messages))
})

describe('what does not fit', () => {
  test('is an error with both numbers, that says what to do', async () => {
    const { engine } = await open()
    const long: ChatMessage = { role: 'user', content: 'x'.repeat(800) }
    const error = await engine.fit([system, ...turns(40), long]).catch((error) => error)
    const tokens = tokensOf([system, long])
    const { code, promptTokens, contextTokens, message } = error as ContextLengthError
    expect({ code, promptTokens, contextTokens }).toEqual({
      code: 'ERR_CONTEXT_LENGTH',
      promptTokens: tokens,
      contextTokens: context,
    })
    expect(message).toContain(`has ${tokens} tokens, and a context of 1000 has room for 750`)
    const less = await engine.fit([system, ...turns(40), long], { reserve: 100 })
    expect(less.messages).toEqual([system, long])
    expect(less.replyTokens).toBe(context - tokens)
  })

  test('is known after few counts, however long what stays is', async () => {
    const { engine, counted } = await open()
    const huge: ChatMessage = { role: 'system', content: 'x'.repeat(100_000) }
    const fit = engine.fit([huge, ...turns(400)])
    await expect(fit).rejects.toHaveProperty('code', 'ERR_CONTEXT_LENGTH')
    expect(counted.length).toBeLessThanOrEqual(2)
  })

  test('is refused as countTokens refuses it where it is no conversation', async () => {
    const { engine } = await open()
    for (const given of [undefined, 'abc', {}, []]) {
      const fit = engine.fit(given as never)
      await expect(fit).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'messages' })
    }
  })

  test('is one too where everything is kept', async () => {
    const { engine } = await open()
    const all = engine.fit(turns(40), { keep: () => true })
    await expect(all).rejects.toHaveProperty('code', 'ERR_CONTEXT_LENGTH')
  })

  test('the room is what is not reserved, and less than the context', async () => {
    const { engine } = await open()
    const filled = (tokens: number): ChatMessage[] => [
      { role: 'user', content: 'x'.repeat(tokens - 6) },
    ]
    await engine.fit(filled(999), { reserve: 0 })
    for (const [tokens, reserve] of [
      [1000, 0],
      [901, 100],
    ] as const) {
      await engine.fit(filled(tokens - 1), { reserve })
      const error = engine.fit(filled(tokens), { reserve })
      await expect(error).rejects.toHaveProperty('code', 'ERR_CONTEXT_LENGTH')
    }
  })

  test.each<[options: object, option: string]>([
    [{ reserve: context }, 'reserve'],
    [{ reserve: -1 }, 'reserve'],
    [{ retentionRatio: 1.5 }, 'retentionRatio'],
    [{ keep: 3 }, 'keep'],
    [{ keep: { frist: 1 } }, 'keep.frist'],
    [{ keep: { last: 0 } }, 'keep.last'],
    [{ temperature: 1 }, 'temperature'],
  ])('the options %j are refused by the name %s', async (options, option) => {
    const { engine } = await open()
    const error = { code: 'ERR_INVALID_OPTION', option }
    await expect(engine.fit([ask], options)).rejects.toMatchObject(error)
    if (option === 'temperature') return
    const inChat = { code: 'ERR_INVALID_OPTION', option: `fit.${option}` }
    expect(() => engine.chat([ask], { fit: options })).toThrow(expect.objectContaining(inChat))
  })

  test('a signal ends it, also between two counts', async () => {
    const { engine, native } = await open()
    const messages = [system, ...turns(40), ask]
    const cancelled = expect.objectContaining({ code: 'ERR_CANCELLED' })
    await expect(engine.fit(messages, { signal: AbortSignal.abort() })).rejects.toEqual(cancelled)
    const abort = new AbortController()
    let jobs = 0
    native.onTextJob = (_, answer) => {
      if (++jobs === 2) abort.abort()
      answer()
    }
    await expect(engine.fit(messages, { signal: abort.signal })).rejects.toEqual(cancelled)
    expect(jobs).toBe(2)
  })
})

describe('chat with fit', () => {
  const long = [system, ...turns(40), ask]

  test('asks with what fits, and tells what it dropped', async () => {
    const { engine, native } = await open()
    const fitted = await engine.fit(long)
    const reply = engine.chat(long, { fit: true })
    expect(await reply.accepted).toMatchObject({ dropped: fitted.dropped })
    expect(await reply.done).toMatchObject({ text: 'Fine.', dropped: fitted.dropped })
    const [{ prompt }] = native.submitted as [NativeRequest]
    const { messages } = prompt as NativeChat
    expect(messages.map(({ content }) => content)).toEqual(
      fitted.messages.map(({ content = '' }) => content),
    )
  })

  test('drops nothing where all fits, and says so; without it nothing is said', async () => {
    const { engine, counted } = await open()
    expect(await engine.chat([ask], { fit: true }).done).toMatchObject({ dropped: [] })
    expect(counted).toHaveLength(1)
    expect(await engine.chat([ask], { fit: false }).done).not.toHaveProperty('dropped')
    expect(await engine.chat([ask]).accepted).not.toHaveProperty('dropped')
    expect(counted).toHaveLength(1)
  })

  test('takes the rules, and reserves no more than the reply may have', async () => {
    const { engine } = await open()
    const filled: ChatMessage[] = [{ role: 'user', content: 'x'.repeat(980 - 6) }]
    await engine.chat(filled, { fit: true, maxTokens: 20 }).done
    await engine.chat(filled, { fit: { reserve: 5 } }).done
    const none = engine.chat([{ role: 'user', content: 'x'.repeat(994) }], {
      fit: true,
      maxTokens: 0,
    })
    await none.accepted
    const error = engine.chat(filled, { fit: true, maxTokens: 21 }).done
    await expect(error).rejects.toHaveProperty('code', 'ERR_CONTEXT_LENGTH')
  })

  test('cancelled while it looks for what fits, it ends and asks nothing', async () => {
    const { engine, native } = await open()
    native.onTextJob = () => undefined // never answered
    const reply = engine.chat(long, { fit: true, n: 2 })
    reply.cancel()
    const { finishReason, choices } = await reply.done
    expect([finishReason, choices.length]).toEqual(['cancelled', 2])
    await expect(reply.accepted).rejects.toHaveProperty('code', 'ERR_CANCELLED')
    const abort = new AbortController()
    const other = engine.chat(long, { fit: true, signal: abort.signal })
    abort.abort()
    await expect(other.done).rejects.toHaveProperty('code', 'ERR_CANCELLED')
    await Promise.all([reply.settled, other.settled])
    expect(native.submitted).toEqual([])
    expect(engine.stats()).toMatchObject({ started: 0, queued: 0 })
  })

  test('fails as the engine does while it looks', async () => {
    const { engine, native } = await open()
    native.onTextJob = () => undefined
    const reply = engine.chat(long, { fit: true })
    await engine.close()
    await expect(reply.done).rejects.toHaveProperty('code', 'ERR_CLOSED')
    await reply.settled
  })
})

describe('answers are of the calls', () => {
  const call = (...names: string[]) => ({ toolCalls: names.map((name) => ({ id: '', name })) })
  const byId = (id: string) => ({ toolCalls: [{ id, name: 'x' }] })
  const answer = (name = '', toolCallId = '') => ({ role: 'tool', name, toolCallId })

  // As native/llama/template/message-order.cpp pairs them.
  test.each<[string, object[], [number, number][]]>([
    [
      'in their order',
      [call('a', 'b'), answer(), answer()],
      [
        [0, 1],
        [0, 2],
      ],
    ],
    ['of the tool that they name', [call('a'), {}, call('b'), answer('b')], [[2, 3]]],
    [
      'of none where no call of it waits',
      [call('a'), answer('b'), answer('a'), answer()],
      [[0, 2]],
    ],
    ['that they name by id, however far', [byId('1'), byId('2'), answer('', '1')], [[0, 2]]],
  ])('%s', (_, given, pairs) => {
    const empty = { role: 'assistant', toolCalls: [], toolCallId: '', name: '' }
    const messages = given.map((one) => ({ ...empty, ...one }))
    const found = answersOf(messages as never).map(({ call, answer }) => [call, answer])
    expect(found).toEqual(pairs)
  })
})
