import { APICallError, type LanguageModelV3CallOptions } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { call, scriptedProvider, streamed, thrownBy } from '../support/chats/scripted-provider.js'

// What becomes of the AI SDK's options, and of what is none here.

const open = scriptedProvider()
type Options = Partial<LanguageModelV3CallOptions> & { reasoning?: string }

async function asked(options: Options, model = {}) {
  const provider = await open(undefined, model)
  const { warnings } = await provider.sluice().doGenerate(call(options))
  const { prompt, ...request } = provider.asked()
  return { request, chat: prompt, warnings }
}

const look = {
  type: 'function' as const,
  name: 'look',
  description: 'Looks',
  inputSchema: { type: 'object' as const, properties: { at: { type: 'string' as const } } },
}

describe('options of the AI SDK', () => {
  test('are the engine’s', async () => {
    const { request, warnings } = await asked({
      maxOutputTokens: 7,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 11,
      stopSequences: ['END'],
    })
    const { temperature, topP, topK, presencePenalty, frequencyPenalty } = request
    expect({ temperature, topP, topK, presencePenalty, frequencyPenalty }).toEqual({
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
    })
    expect(request).toMatchObject({ maxTokens: 7, seed: 11, stop: ['END'] })
    expect(warnings).toEqual([])
  })

  test.each([
    [{ type: 'auto' as const }, 'auto', ['look', 'find']],
    [{ type: 'none' as const }, 'none', ['look', 'find']],
    [{ type: 'required' as const }, 'required', ['look', 'find']],
    [{ type: 'tool' as const, toolName: 'find' }, 'required', ['find']],
  ])('choose among the tools: %j', async (toolChoice, choice, names) => {
    const tools = [look, { ...look, name: 'find' }]
    const { chat } = await asked({ tools, toolChoice })
    expect(chat.toolChoice).toBe(choice)
    expect(chat.tools.map(({ name }) => name)).toEqual(names)
    expect(chat.tools[0]).toMatchObject({
      description: 'Looks',
      parameters: JSON.stringify(look.inputSchema),
    })
  })

  test('ask for JSON, which a grammar keeps to', async () => {
    const free = await asked({ responseFormat: { type: 'json' } })
    const schema = { type: 'object' as const, properties: { colour: { const: 'red' } } }
    const bound = await asked({ responseFormat: { type: 'json', schema, name: 'answer' } })
    const plain = await asked({ responseFormat: { type: 'text' } })
    expect(free.request.grammar).toContain('root ::=')
    expect(bound.request.grammar).toContain('colour')
    expect(plain.request.grammar).toBe('')
    expect(bound.warnings).toEqual([])
  })

  test.each([
    ['none', { wantsReasoning: false, reasoningEffort: '' }],
    ['provider-default', { wantsReasoning: true, reasoningEffort: '' }],
    ['minimal', { wantsReasoning: true, reasoningEffort: 'low' }],
    ['medium', { wantsReasoning: true, reasoningEffort: 'medium' }],
    ['xhigh', { wantsReasoning: true, reasoningEffort: 'high' }],
  ])('limit reasoning since 7: %s', async (reasoning, expected) => {
    const { chat, warnings } = await asked({ reasoning }, { reasoningEnds: ['</think>'] })
    expect(chat).toMatchObject(expected)
    expect(warnings).toEqual([])
  })

  test.each([
    ['high', { budget: 9 }, { wantsReasoning: true, reasoningEffort: 'high', reasoningBudget: 9 }],
    ['none', { budget: 9 }, { wantsReasoning: false, reasoningEffort: '', reasoningBudget: 9 }],
    ['high', { effort: 'low' }, { reasoningEffort: 'low', reasoningBudget: -1 }],
    ['none', { enabled: true }, { wantsReasoning: true, reasoningEffort: '' }],
    [undefined, { effort: 'low' }, { wantsReasoning: true, reasoningEffort: 'low' }],
  ])('limit reasoning field by field with ours: %s and %j', async (reasoning, own, expected) => {
    const options = { providerOptions: { sluice: { reasoning: own } } }
    const given = reasoning === undefined ? options : { ...options, reasoning }
    const { chat } = await asked(given, { reasoningEnds: ['</think>'] })
    expect(chat).toMatchObject(expected)
  })

  test('of ours are taken from providerOptions.sluice', async () => {
    const { request, chat } = await asked({
      providerOptions: {
        sluice: {
          minP: 0.25,
          repeatPenalty: 1.5,
          cacheSalt: 'mine',
          stopTokens: [3],
          logitBias: { 5: -1 },
          ignoreEos: true,
          parallelToolCalls: false,
          templateArguments: { tone: 'dry' },
          reasoning: { enabled: false },
        },
        other: { minP: 1 },
      },
    })
    expect(request).toMatchObject({
      minP: 0.25,
      repeatPenalty: 1.5,
      cacheSalt: 'mine',
      ignoreEos: true,
    })
    expect(chat).toMatchObject({
      parallelToolCalls: false,
      wantsReasoning: false,
      arguments: [{ name: 'tone', value: '"dry"' }],
    })
  })
})

describe('what is not supported is warned of', () => {
  test.each<[string, Options, object]>([
    [
      'tools that a provider runs',
      { tools: [{ type: 'provider', id: 'openai.web_search', name: 'search', args: {} }] },
      { type: 'unsupported', feature: 'provider-defined tool openai.web_search' },
    ],
    [
      'examples of a tool',
      { tools: [{ ...look, inputExamples: [{ input: { at: 'sky' } }] }] },
      { type: 'unsupported', feature: 'inputExamples of the tool look' },
    ],
    [
      'a description of a form',
      { responseFormat: { type: 'json', description: 'An answer' } },
      { type: 'unsupported', feature: 'responseFormat.description' },
    ],
    [
      'reasoning of a model that does not',
      { reasoning: 'high' },
      { type: 'unsupported', feature: 'reasoning' },
    ],
    [
      'a tool’s schema that is malformed',
      { tools: [{ ...look, inputSchema: { type: 'object', required: 3 as never } }] },
      { type: 'compatibility', feature: 'tools[0].inputSchema.required' },
    ],
  ])('%s', async (_, options, expected) => {
    const { warnings } = await asked(options)
    expect(warnings).toEqual([expect.objectContaining(expected)])
    const provider = await open()
    const [first] = await streamed(provider, options)
    expect(first).toEqual({ type: 'stream-start', warnings })
  })
})

const hosted = {
  type: 'provider' as const,
  id: 'openai.web_search' as const,
  name: 'search',
  args: {},
}
const called = { type: 'tool-call' as const, toolCallId: 'a', toolName: 'look', input: {} }
const output = { type: 'text' as const, value: 'a fox' }
/** It makes two messages of the engine's, and the call behind it stands in the prompt's third. */
const twofold: LanguageModelV3CallOptions['prompt'] = [
  { role: 'user', content: [{ type: 'text', text: 'Look' }] },
  { role: 'assistant', content: [called, { ...called, type: 'tool-result', output }] },
  { role: 'assistant', content: [{ ...called, toolName: 7 as never }] },
]

describe('places are the AI SDK’s', () => {
  test('of a message that is wrong', async () => {
    const { sluice } = await open()
    const error = await thrownBy(sluice().doGenerate(call({ prompt: twofold })))
    expect(error).toMatchObject({
      message: expect.stringMatching(/^'prompt\[2\]\./),
      cause: { option: expect.stringMatching(/^messages\[3\]\./) },
    })
  })

  test('of a tool, behind one that is left out', async () => {
    const bad = { ...look, inputSchema: { type: 'object', required: 3 as never } as const }
    const { warnings } = await asked({ tools: [hosted, bad] })
    expect(warnings[1]).toMatchObject({ feature: 'tools[1].inputSchema.required' })
    const { sluice } = await open()
    const strict = { tools: [hosted, { ...bad, strict: true }] }
    const error = await thrownBy(sluice().doGenerate(call(strict)))
    expect(error).toMatchObject({ message: expect.stringContaining('tools[1].inputSchema') })
  })
})

describe('what is wrong is refused before anything is generated', () => {
  test.each<[Options, RegExp]>([
    [{ topP: 2 }, /^'topP': expected a number from 0 to 1/],
    [{ maxOutputTokens: -1 }, /^'maxOutputTokens': expected/],
    [{ stopSequences: Array(17).fill('a') }, /^'stopSequences': expected/],
    [{ toolChoice: { type: 'required' } }, /^'toolChoice': expected/],
    [{ tools: [look], toolChoice: { type: 'tool', toolName: 'x' } }, /^'toolChoice': expected/],
    [{ prompt: [] }, /^'prompt': expected/],
    [
      { responseFormat: { type: 'json', schema: { type: 'string', pattern: '(' } } },
      /responseFormat\.schema\.pattern/,
    ],
    [{ providerOptions: { sluice: { minp: 0.1 } } }, /^'providerOptions\.sluice\.minp'.*'minP'/],
    [
      { providerOptions: { sluice: { temperature: 1 } } },
      /^'providerOptions\.sluice\.temperature'/,
    ],
  ])('%j', async (options, words) => {
    const { sluice, fake } = await open()
    for (const asked of [sluice().doGenerate(call(options)), sluice().doStream(call(options))]) {
      const error = await thrownBy(asked)
      if (!APICallError.isInstance(error)) expect.fail(`${error}`)
      expect(error.message).toMatch(words)
      expect(error).toMatchObject({ statusCode: 400, isRetryable: false })
    }
    expect(fake.submitted).toEqual([])
  })
})
