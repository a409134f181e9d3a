import { describe, expect, test } from 'vitest'
import type { ChoiceResult, ReplyPart, ReplyResult } from '../../../src/api/types.js'
import { MessageBody, MessageFrames } from '../../../src/apis/anthropic/messages/writer.js'
import { sealedText } from '../../../src/apis/sealed-text.js'
import { blocksOf, eventsOf } from '../../support/wire/anthropic/messages.js'
import { wireCheck } from '../../support/wire/checks.mjs'

const head = { id: 'msg_1', model: 'a "b"', promptTokens: 9, isHidden: false, requestId: 'req_1' }
const choice: ChoiceResult = {
  text: '',
  finishReason: 'stop',
  seed: 1,
  usage: { promptTokens: 9, cachedTokens: 6, completionTokens: 4 },
  timings: {
    queueMs: 0,
    prefillMs: 0,
    decodeMs: 0,
    parkedMs: 0,
    draftTokens: 0,
    draftAcceptedTokens: 0,
  },
}
const resultOf = (more: Partial<ChoiceResult> = {}): ReplyResult => {
  return { ...choice, ...more, choices: [{ ...choice, ...more }] }
}
const part = (more: Partial<ReplyPart>): ReplyPart => ({ choice: 0, text: '', tokens: 1, ...more })
const call = (index: number, json: string, id?: string, name?: string) => {
  const delta = { index, arguments: json }
  return part({ toolCalls: [id === undefined ? delta : { ...delta, id, name: name ?? '' }] })
}

/** Thought, text, text again, two calls, and text after them. */
const parts: ReplyPart[] = [
  part({ reasoning: 'I must' }),
  part({ reasoning: ' look.' }),
  part({ text: 'Let' }),
  part({ text: ' me "see".\u2028' }),
  call(0, '', 'call_a', 'get_weather'),
  call(0, '{"city":'),
  call(0, '"Paris"}'),
  call(1, '{"city":"Rome"}', 'call_b', 'get_weather'),
  part({ text: 'Done.' }),
]

function streamOf(given: readonly ReplyPart[], result = resultOf(), hidden = false) {
  const frames = new MessageFrames({ ...head, isHidden: hidden })
  const all = [frames.opening(), ...given.map((one) => frames.part(one)), frames.ending(result)]
  return eventsOf(all.join(''))
}

const bodyOf = (given: readonly ReplyPart[], result = resultOf(), isHidden = false) => {
  const body = new MessageBody({ ...head, isHidden })
  for (const one of given) body.add(one)
  return body.body([result])
}

test('an event is told by its name and by its type, on one line', () => {
  const frames = new MessageFrames(head)
  expect(frames.ping()).toBe('event: ping\ndata: {"type":"ping"}\n\n')
  frames.opening()
  const [start, delta] = frames.part(part({ text: '"\n\u2028' })).split('\n\n')
  expect(start).toBe(
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,' +
      '"content_block":{"type":"text","text":""}}',
  )
  expect(delta).toBe(
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,' +
      '"delta":{"type":"text_delta","text":"\\"\\n\\u2028"}}',
  )
})

test('a block is stopped before the next is started', () => {
  const steps = streamOf(parts).map(({ type, index, delta, content_block: block }) => {
    const what = block?.type ?? (type === 'content_block_delta' ? delta?.type : undefined)
    return [type.replace('content_block_', ''), index, what].filter((one) => one !== undefined)
  })
  expect(steps).toEqual([
    ['message_start'],
    ['start', 0, 'thinking'],
    ['delta', 0, 'thinking_delta'],
    ['delta', 0, 'thinking_delta'],
    ['delta', 0, 'signature_delta'],
    ['stop', 0],
    ['start', 1, 'text'],
    ['delta', 1, 'text_delta'],
    ['delta', 1, 'text_delta'],
    ['stop', 1],
    ['start', 2, 'tool_use'],
    ['delta', 2, 'input_json_delta'],
    ['delta', 2, 'input_json_delta'],
    ['stop', 2],
    ['start', 3, 'tool_use'],
    ['delta', 3, 'input_json_delta'],
    ['stop', 3],
    ['start', 4, 'text'],
    ['delta', 4, 'text_delta'],
    ['stop', 4],
    ['message_delta'],
    ['message_stop'],
  ])
})

test('a call begins with its id, its name and an empty input', () => {
  const started = streamOf(parts).find(({ index, type }) => index === 2 && /start/.test(type))
  const caller = { type: 'direct' }
  const block = { type: 'tool_use', id: 'call_a', name: 'get_weather', input: {}, caller }
  expect(started?.content_block).toEqual(block)
})

test('a message that is not streamed has the same blocks', () => {
  const streamed = blocksOf(streamOf(parts)).map(({ partial_json: json, ...block }) => {
    return json === undefined ? block : { ...block, input: JSON.parse(json as string) }
  })
  expect(bodyOf(parts).content).toEqual(streamed)
  expect(bodyOf(parts).content.map((block) => (block as { type: string }).type)).toEqual([
    ...['thinking', 'text', 'tool_use', 'tool_use', 'text'],
  ])
})

test('input_tokens are those that were not cached, and the first event has all of them', () => {
  const events = streamOf(parts, resultOf({ usage: { ...choice.usage, reasoningTokens: 2 } }))
  expect(events[0]?.message).toMatchObject({
    stop_reason: null,
    usage: { input_tokens: 9, cache_read_input_tokens: 0, output_tokens: 0 },
  })
  const usage = {
    input_tokens: 3,
    cache_read_input_tokens: 6,
    cache_creation_input_tokens: 0,
    output_tokens: 4,
    output_tokens_details: { thinking_tokens: 2 },
  }
  expect(events.at(-2)?.usage).toEqual({ ...usage, server_tool_use: null })
  const { usage: whole } = bodyOf([], resultOf({ usage: { ...choice.usage, reasoningTokens: 2 } }))
  expect(whole).toMatchObject(usage)
})

describe(wireCheck(59), () => {
  test.each([
    [{ finishReason: 'stop' }, 'end_turn', null],
    [{ finishReason: 'stop', stopString: 'END' }, 'stop_sequence', 'END'],
    [{ finishReason: 'tool_calls' }, 'tool_use', null],
    [{ finishReason: 'length', limit: 'maxTokens' }, 'max_tokens', null],
    [{ finishReason: 'length', limit: 'context' }, 'model_context_window_exceeded', null],
  ] as const)('a message tells that it ended by %j', (end, stop_reason, stop_sequence) => {
    const told = { stop_reason, stop_sequence }
    expect(streamOf(parts, resultOf(end)).at(-2)?.delta).toMatchObject(told)
    expect(bodyOf(parts, resultOf(end))).toMatchObject(told)
  })
})

test('thinking that is not to be shown is in its signature, streamed and not', () => {
  const [streamed] = blocksOf(streamOf(parts, resultOf(), true))
  expect(streamed).toMatchObject({ type: 'thinking', thinking: '' })
  expect(sealedText(streamed?.signature)).toBe('I must look.')
  expect(bodyOf(parts, resultOf(), true).content[0]).toEqual(streamed)
  expect(sealedText((bodyOf(parts).content[0] as { signature: string }).signature)).toBe('')
})

test.each(['{"city": "Pa', '', '[1]'])('a call whose input is %j has none', (json) => {
  const cut = [call(0, json, 'call_a', 'get_weather')]
  expect(bodyOf(cut, resultOf({ finishReason: 'length' })).content).toMatchObject([{ input: {} }])
})

test('a reply of nothing is a message without blocks', () => {
  expect(streamOf([]).map(({ type }) => type)).toEqual([
    ...['message_start', 'message_delta', 'message_stop'],
  ])
  expect(bodyOf([]).content).toEqual([])
})
