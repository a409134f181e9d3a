import { expect, test } from 'vitest'
import type { ChoiceResult, ReplyResult } from '../../src/engine/types.js'
import { ChunkEncoder } from '../../src/openai/chat/chunks.js'
import { heading } from '../../src/openai/heading.js'
import { systemFingerprint } from '../../src/openai/models/fingerprint.js'

const head = { id: 'chatcmpl-1', created: 7, model: 'a "b"', fingerprint: 'fp_1' }
const common = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 7,
  model: 'a "b"',
  system_fingerprint: 'fp_1',
}
const choiceResult: ChoiceResult = {
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

const frame = (value: object) => `data: ${JSON.stringify(value)}\n\n`
const choice = (delta: object, finish_reason: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason }],
})

test('chunks that are put together from pieces are what JSON.stringify would write', () => {
  const chunks = new ChunkEncoder(head, { includeUsage: false })
  expect(chunks.role()).toBe(frame({ ...common, ...choice({ role: 'assistant', content: '' }) }))
  for (const text of ['a', '"\\\n\r\t\0', '🦊', '', '</script>']) {
    expect(chunks.text(text)).toBe(frame({ ...common, ...choice({ content: text }) }))
  }
  expect(chunks.ending(result)).toBe(
    `${frame({ ...common, ...choice({}, 'length') })}data: [DONE]\n\n`,
  )
})

test('with usage asked for, every chunk has its null and the last its counts', () => {
  const chunks = new ChunkEncoder(head, { includeUsage: true })
  const content = frame({ ...common, ...choice({ content: 'a' }), usage: null })
  expect(chunks.text('a')).toBe(content)
  const usage = {
    prompt_tokens: 3,
    completion_tokens: 4,
    total_tokens: 7,
    prompt_tokens_details: { cached_tokens: 2 },
  }
  const finish = frame({ ...common, ...choice({}, 'length'), usage: null })
  const last = frame({ ...common, choices: [], usage })
  expect(chunks.ending(result)).toBe(`${finish}${last}data: [DONE]\n\n`)
})

test('a chunk is one line, also to clients that split at every line end of Unicode', () => {
  const text = 'a\u2028b\u2029c\u0085d'
  const written = new ChunkEncoder(head, { includeUsage: false }).text(text)
  expect(written).not.toMatch(/[\u2028\u2029\u0085]/)
  expect(JSON.parse(written.slice(6)).choices[0].delta.content).toBe(text)
})

test('a cancelled reply has no finish reason to tell', () => {
  const chunks = new ChunkEncoder(head, { includeUsage: false })
  expect(() => chunks.ending({ ...result, finishReason: 'cancelled' })).toThrow(/cancelled/)
})

test('ids are unlike each other, and a fingerprint changes with the weights or the engine', () => {
  expect(heading('chatcmpl', 'm', 'f').id).not.toBe(heading('chatcmpl', 'm', 'f').id)
  const model = {
    id: 'm',
    name: 'm',
    description: 'd',
    parameters: 1,
    bytes: 2,
    trainedContext: 3,
    vocabulary: 4,
    hasChatTemplate: true,
    canInfill: false,
  }
  const settings = { context: 2048, kvType: 'f16' as const }
  const print = systemFingerprint(model, settings, '1')
  expect(print).toBe(systemFingerprint({ ...model }, { ...settings }, '1'))
  expect(print).not.toBe(systemFingerprint({ ...model, bytes: 3 }, settings, '1'))
  expect(print).not.toBe(systemFingerprint(model, settings, '2'))
})
