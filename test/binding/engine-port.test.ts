import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type {
  EngineCommand,
  EngineEvent,
  EngineSnapshot,
  NativeChat,
  NativeEngineOptions,
  NativeModelInfo,
  NativeRequest,
} from '../../src/binding/engine-port.js'
import { nativeOptions } from '../../src/engine/native-options.js'
import { nativeRequest } from '../../src/engine/native-request.js'
import { parseLoadOptions } from '../../src/options/engine-options.js'
import { FakeAddon } from '../support/fake-binding.js'

// What crosses to an engine and back is plain data: a copy is the same thing. A kind that is added
// has to be added here, or this file does not compile.

type OfKind<Message extends { kind: string }> = {
  [Kind in Message['kind']]: Extract<Message, { kind: Kind }>
}

const chat: NativeChat = {
  messages: [
    {
      role: 'assistant',
      content: 'Grüße',
      reasoning: '',
      name: '',
      toolCallId: '',
      toolCalls: [{ id: 'call00001', name: 'weather', arguments: '{}' }],
    },
  ],
  tools: [
    {
      place: "'tools[0]'",
      name: 'weather',
      description: '',
      parameters: '{}',
      isCallable: true,
      rules: 'root ::= "a"',
      root: 'root',
      properties: [{ name: 'city', isRequired: true, kind: '{}', json: 'a', text: 'b' }],
    },
  ],
  toolChoice: 'auto',
  parallelToolCalls: true,
  wantsReasoning: false,
  reasoningEffort: '',
  arguments: [{ name: 'x', value: '[1]' }],
  reasoningBudget: -1,
  reasoningBudgetMessage: '',
  continues: false,
}

const request = (prompt: NativeRequest['prompt']): NativeRequest => ({
  ...nativeRequest(prompt, { n: 2, stop: 'x', logitBias: { 5: -1.5 }, seed: 7 }, {}, {}),
  id: 1,
})

const commands: OfKind<EngineCommand> = {
  generate: { kind: 'generate', ...request(chat) },
  embed: { kind: 'embed', id: 2, owner: 'x', inputs: ['a', Int32Array.of(1, 2)] },
  tokenize: { kind: 'tokenize', id: 3, text: 'a\ud800', addSpecial: true, parseSpecial: false },
  detokenize: { kind: 'detokenize', id: 4, tokens: Int32Array.of(7, -1) },
  pieces: { kind: 'pieces', id: 5, tokens: new Int32Array() },
  'apply-template': { kind: 'apply-template', id: 6, chat },
  'tokenize-chat': { kind: 'tokenize-chat', id: 7, chat, mustFit: true },
  close: { kind: 'close' },
}

const memory = { weightsBytes: 2 ** 40, kvBytes: 1, computeBytes: 0 }
const model: NativeModelInfo = {
  name: 'Small',
  description: 'llama 1B Q8_0',
  parameters: 1e9,
  bytes: 2 ** 33,
  trainedContext: 8192,
  context: 4096,
  threads: 2,
  cacheBytes: 0,
  vocabulary: 152_000,
  hasChatTemplate: true,
  callFormat: 'tagged',
  canInfill: true,
  reasoningEnds: ['</think>'],
  embedding: { size: 4, pooling: 'mean' },
  sampling: { temperature: Math.fround(0.6) },
  placement: { layers: 3, gpuLayers: 0, devices: [], host: memory },
  warnings: [{ code: 'WARN_GPU_PARTIAL', message: '3 of 7 layers fit' }],
}
const top = [{ id: 8, bytes: '', logprob: -1 }]
const logprob = { id: 7, bytes: '\u00e2\u0082', logprob: Number.NaN, top }
const failure = { code: 'ERR_OUT_OF_MEMORY', message: 'memory ran out' } as const

const events: OfKind<EngineEvent> = {
  progress: { kind: 'progress', fraction: 0.5 },
  ready: { kind: 'ready', ...model },
  estimated: { kind: 'estimated', ...model, freeBytes: 2 ** 35, fits: true },
  'load-failed': { kind: 'load-failed', ...failure },
  ended: { kind: 'ended', ...failure },
  closed: { kind: 'closed' },
  warning: { kind: 'warning', code: 'WARN_CACHE_DIR', message: 'the disk is full' },
  accepted: { kind: 'accepted', id: 1, promptTokens: 9 },
  texts: { kind: 'texts', ids: [1, 2], texts: ['a', 'é'], tokens: [1, 3] },
  part: {
    kind: 'part',
    id: 1,
    text: '',
    reasoning: 'So.',
    toolCalls: [{ index: 0, id: 'call00001', name: 'weather', arguments: '{' }],
    logprobs: [{ ...logprob, name: '<|mark|>' }],
    promptLogprobs: [logprob],
    tokens: 2,
  },
  finished: {
    kind: 'finished',
    id: 1,
    finishReason: 'stop',
    phase: 'decode',
    promptTokens: 9,
    cachedTokens: 3,
    completionTokens: 5,
    reasoningTokens: 2,
    draftTokens: 0,
    draftAcceptedTokens: 0,
    stopString: 'x',
    queueMs: 0.1,
    prefillMs: 1,
    decodeMs: 2,
    parkedMs: 0,
  },
  embedded: { kind: 'embedded', id: 2, values: Float32Array.of(0.5, Number.NaN), promptTokens: 3 },
  error: { kind: 'error', id: 1, ...failure, phase: 'queued', input: 1, option: 'stop' },
  tokens: { kind: 'tokens', id: 3, tokens: Int32Array.of(1) },
  'text-made': { kind: 'text-made', id: 4, text: 'a' },
  pieces: { kind: 'pieces', id: 5, pieces: [Uint8Array.of(1, 255), new Uint8Array()] },
  deferred: { kind: 'deferred', id: 3 },
}

/** A copy that differs in a value, in a type of its own, or in what is left out. */
const isKept = (message: unknown) => isDeepStrictEqual(structuredClone(message), message)

test.each(Object.entries(commands))('the command %s survives structuredClone', (kind, command) => {
  expect(command.kind).toBe(kind)
  expect(isKept(command)).toBe(true)
})

test.each(Object.entries(events))('the event %s survives structuredClone', (kind, event) => {
  expect(event.kind).toBe(kind)
  expect(isKept(event)).toBe(true)
})

test.each<NativeRequest['prompt']>(['text', Int32Array.of(1, 2), { before: 'a', after: 'b' }])(
  'a prompt survives structuredClone in each of its forms (%#)',
  (prompt) => expect(isKept(request(prompt))).toBe(true),
)

test('an engine’s options and snapshot survive structuredClone', () => {
  const addon = new FakeAddon()
  const options: NativeEngineOptions = nativeOptions(parseLoadOptions({}, 'a.gguf'), addon)
  const snapshot: EngineSnapshot = new addon.Engine(options, () => undefined).snapshot()
  expect(isKept(options)).toBe(true)
  expect(isKept(snapshot)).toBe(true)
})

test('what is no plain data is found', () => {
  expect(isKept({ kind: 'pieces', id: 5, pieces: [Buffer.from('a')] })).toBe(false)
  expect(() => isKept({ kind: 'close', done: () => undefined })).toThrow('could not be cloned')
})
