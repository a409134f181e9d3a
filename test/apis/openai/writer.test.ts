import { expect, test } from 'vitest'
import type { ChoiceResult, ReplyResult } from '../../../src/api/types.js'
import { ChunkEncoder } from '../../../src/apis/openai/chat/writer.js'
import { type Envelope, envelope } from '../../../src/apis/openai/envelope.js'
import { systemFingerprint } from '../../../src/host/loaded-model.js'

const head: Envelope = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 7,
  model: 'a "b"',
  system_fingerprint: 'fp_1',
}
const choiceResult: ChoiceResult = {
  text: '',
  finishReason: 'length',
  seed: 1,
  usage: { promptTokens: 3, cachedTokens: 2, completionTokens: 4 },
  timings: {
    queueMs: 0,
    prefillMs: 0,
    decodeMs: 0,
    parkedMs: 0,
    draftTokens: 0,
    draftAcceptedTokens: 0,
  },
}

const result: ReplyResult = { ...choiceResult, choices: [choiceResult] }

const part = (text: string, choice = 0) => ({ choice, text, tokens: 1 })
const frame = (value: object) => `data: ${JSON.stringify(value)}\n\n`
const choice = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
})

test('chunks that are put together from pieces are what JSON.stringify would write', () => {
  const chunks = new ChunkEncoder(head, { choices: 1, includeUsage: false })
  expect(chunks.opening()).toBe(frame({ ...head, ...choice({ role: 'assistant', content: '' }) }))
  for (const text of ['a', '"\\\n\r\t\0', '🦊', '</script>']) {
    expect(chunks.part(part(text))).toBe(frame({ ...head, ...choice({ content: text }) }))
  }
  expect(chunks.ending(result)).toBe(
    `${frame({ ...head, ...choice({}, 'length') })}data: [DONE]\n\n`,
  )
})

test('every chunk with usage asked for has its null, and the last its counts', () => {
  const chunks = new ChunkEncoder(head, { choices: 1, includeUsage: true })
  const content = frame({ ...head, ...choice({ content: 'a' }), usage: null })
  expect(chunks.part(part('a'))).toBe(content)
  const usage = {
    prompt_tokens: 3,
    completion_tokens: 4,
    total_tokens: 7,
    prompt_tokens_details: { cached_tokens: 2 },
  }
  const finish = frame({ ...head, ...choice({}, 'length'), usage: null })
  const last = frame({ ...head, choices: [], usage })
  expect(chunks.ending(result)).toBe(`${finish}${last}data: [DONE]\n\n`)
})

test('each choice has frames of its own, and all end together', () => {
  const chunks = new ChunkEncoder(head, { choices: 2, includeUsage: true })
  const of = (index: number, delta: object, finish_reason: string | null = null) =>
    frame({ ...head, choices: [{ index, delta, finish_reason }], usage: null })
  const role = { role: 'assistant', content: '' }
  expect(chunks.opening()).toBe(of(0, role) + of(1, role))
  expect(chunks.part(part('b', 1))).toBe(of(1, { content: 'b' }))
  const stopped: ChoiceResult = { ...choiceResult, finishReason: 'stop' }
  const ending = chunks.ending({ ...result, choices: [choiceResult, stopped] })
  expect(ending.startsWith(of(0, {}, 'length') + of(1, {}, 'stop'))).toBe(true)
  expect(ending.match(/"usage":\{/g)).toHaveLength(1)
})

test('logprobs come beside the text, also where there is none; nothing is no frame', () => {
  const chunks = new ChunkEncoder(head, { choices: 1, includeUsage: false })
  const fox = { id: 7, token: '🦊', bytes: Buffer.from('🦊'), logprob: -0.5 }
  const mark = { id: 8, token: '<|mark|>', bytes: Buffer.alloc(0), logprob: -9, top: [] }
  const wire = { token: '🦊', logprob: -0.5, bytes: [240, 159, 166, 138] }
  const told = (content: string, entries: object[]) => {
    const logprobs = { content: entries, refusal: null }
    return frame({
      ...head,
      choices: [{ index: 0, delta: { content }, logprobs, finish_reason: null }],
    })
  }
  expect(chunks.part({ ...part('🦊'), logprobs: [{ ...fox, top: [fox] }] })).toBe(
    told('🦊', [{ ...wire, top_logprobs: [wire] }]),
  )
  expect(chunks.part({ ...part(''), logprobs: [mark] })).toBe(
    told('', [{ token: '<|mark|>', logprob: -9, bytes: [], top_logprobs: [] }]),
  )
  expect(chunks.part(part(''))).toBe('')
})

test('a chunk is one line, also to clients that split at every line end of Unicode', () => {
  const text = 'a\u2028b\u2029c\u0085d'
  const written = new ChunkEncoder(head, { choices: 1, includeUsage: false }).part(part(text))
  expect(written).not.toMatch(/[\u2028\u2029\u0085]/)
  expect(JSON.parse(written.slice(6)).choices[0].delta.content).toBe(text)
})

test('a cancelled reply has no finish reason to tell', () => {
  const cancelled: ChoiceResult = { ...choiceResult, finishReason: 'cancelled' }
  const chunks = new ChunkEncoder(head, { choices: 1, includeUsage: false })
  expect(() => chunks.ending({ ...result, choices: [cancelled] })).toThrow(/cancelled/)
})

test('ids are unlike each other, a fingerprint changes with weights, adapters and engine', () => {
  const newId = () => envelope('chat.completion', 'm', 'f').id
  expect(newId()).not.toBe(newId())
  const model = {
    id: 'm',
    name: 'm',
    description: 'd',
    parameters: 1,
    bytes: 2,
    trainedContext: 3,
    vocabulary: 4,
    hasChatTemplate: true,
    canCallTools: true,
    canInfill: false,
    canThink: false,
  }
  const settings = {
    ...{ context: 2048, kvType: 'f16' as const, gpu: false as const, gpuLayers: 0 },
    lora: [],
  }
  const adapted = (file: string, scale = 1) => {
    return systemFingerprint(model, { ...settings, lora: [{ name: 'a', file, scale }] }, '1')
  }
  const print = systemFingerprint(model, settings, '1')
  expect(print).toBe(systemFingerprint({ ...model }, { ...settings }, '1'))
  expect(print).not.toBe(systemFingerprint({ ...model, bytes: 3 }, settings, '1'))
  expect(print).not.toBe(systemFingerprint(model, settings, '2'))
  expect(print).not.toBe(adapted('a.gguf'))
  expect(adapted('a.gguf')).not.toBe(adapted('b.gguf'))
  expect(adapted('a.gguf')).not.toBe(adapted('a.gguf', 0.5))
})
