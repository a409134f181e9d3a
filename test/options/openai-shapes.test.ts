import type OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import type { ChatOptions, OpenAiMessage } from '../../src/index.js'
import { parseChatOptions, readChat } from '../../src/options/chat-options.js'

// What the client declares is taken by the compiler too.
type Messages = readonly OpenAI.ChatCompletionMessageParam[]
type Answer = OpenAI.ChatCompletionMessage
type Tools = readonly OpenAI.ChatCompletionFunctionTool[]
type Choice = OpenAI.ChatCompletionNamedToolChoice | OpenAI.ChatCompletionAllowedToolChoice
true satisfies Messages extends readonly OpenAiMessage[] ? true : false
true satisfies Answer extends OpenAiMessage ? true : false
true satisfies Tools extends NonNullable<ChatOptions['tools']> ? true : false
true satisfies Choice extends NonNullable<ChatOptions['toolChoice']> ? true : false

// Messages, tools and choices in OpenAI's words are what ours are, also beside ours; what cannot be
// taken is refused by its own path, with the shape that is right.

const user = { role: 'user', content: 'x' }

function read(messages: unknown, options: object = {}) {
  return readChat(messages, parseChatOptions(options))
}

function refusal(act: () => unknown): { code: string; option: string; message: string } {
  try {
    act()
  } catch (error) {
    return error as { code: string; option: string; message: string }
  }
  throw new Error('nothing was refused')
}

describe('a conversation in OpenAI’s words', () => {
  test('is read as the same in ours is', () => {
    const call = { id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' }
    const theirs = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'And in' },
          { type: 'text', text: 'Paris?' },
        ],
      },
      {
        role: 'assistant',
        content: null,
        refusal: null,
        annotations: [],
        audio: null,
        function_call: null,
        reasoning_content: 'I must ask.',
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: call.name, arguments: call.arguments },
            index: 0,
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
    ]
    const ours = [
      { role: 'user', content: 'And in\nParis?' },
      { role: 'assistant', reasoning: 'I must ask.', toolCalls: [call] },
      { role: 'tool', toolCallId: 'call_1', content: 'rain' },
    ]
    expect(read(theirs).chat).toEqual(read(ours).chat)
  })

  test('may have calls of older and other kinds', () => {
    const { messages } = read([
      { role: 'assistant', function_call: { name: 'run', arguments: '{}' } },
      { role: 'function', name: 'run', content: { ran: 3 } },
      { role: 'assistant', tool_calls: [{ id: 'c', custom: { name: 'sh', input: 'ls' } }] },
      { role: 'assistant', content: null, refusal: 'No.', reasoning: null },
      user,
    ]).chat
    expect(messages[0]?.toolCalls).toEqual([{ id: '', name: 'run', arguments: '{}' }])
    expect(messages[1]).toMatchObject({ role: 'tool', name: 'run', content: '{"ran":3}' })
    expect(messages[2]?.toolCalls).toEqual([{ id: 'c', name: 'sh', arguments: '{"input":"ls"}' }])
    expect(messages[3]?.content).toBe('No.')
  })

  test('may name who speaks, which the notes say has no effect', () => {
    const { chat, notes } = read([{ ...user, name: 'Mia' }])
    expect(chat.messages[0]?.name).toBe('')
    expect(notes).toEqual([
      { path: 'messages[0].name', message: expect.stringContaining('left out') },
    ])
  })

  test.each<[string, object, string]>([
    [
      'messages[0].content[1].type',
      { ...user, content: [{ type: 'text', text: 'a' }, { type: 'image_url' }] },
      '"text" (images are not read yet',
    ],
    [
      'messages[0].content[0].text',
      { ...user, content: [{ type: 'text', text: 5 }] },
      'a string, but got 5',
    ],
    ['messages[0].content[0]', { ...user, content: ['a'] }, '"text"'],
    ['messages[0].content', { role: 'user', content: null }, 'a string, or an array of text parts'],
    ['messages[0].audio', { role: 'assistant', audio: { id: 'a' } }, 'audio is not read yet'],
    [
      'messages[0].tool_calls[0].function.name',
      { role: 'assistant', tool_calls: [{ function: {} }] },
      'a string',
    ],
    [
      'messages[0].tool_calls[0].function.argument',
      { role: 'assistant', tool_calls: [{ function: { name: 'a', argument: '' } }] },
      "Did you mean 'arguments'?",
    ],
    [
      'messages[0].tool_calls[0].name',
      { role: 'assistant', tool_calls: [{ name: 'a', function: { name: 'a' } }] },
      'nothing beside',
    ],
    [
      'messages[0].tool_calls',
      { ...user, tool_calls: [{ function: { name: 'a' } }] },
      'none of a user',
    ],
    [
      'messages[0].tool_call_id',
      { role: 'tool', toolCallId: 'a', tool_call_id: 'b' },
      'nothing beside toolCallId',
    ],
    ['messages[0].contnt', { role: 'user', contnt: 'x' }, "Did you mean 'content'?"],
  ])('is refused at %s', (option, message, words) => {
    const error = refusal(() => read([message]))
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
    expect(error.message).toContain(words)
  })

  test('is refused where its content throws when it is read', () => {
    const content: unknown[] = [{}]
    content[0] = content
    expect(refusal(() => read([{ role: 'tool', content }])).option).toBe('messages[0].content')
  })
})

describe('tools in the words of others', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } }
  const ours = { name: 'get_weather', description: 'Weather', parameters, strict: true }
  const { strict: _, parameters: __, ...named } = ours

  test.each<[string, object]>([
    ['OpenAI’s', { type: 'function', function: ours }],
    ['OpenAI’s responses', { type: 'function', ...ours }],
    ['MCP’s', { ...named, inputSchema: parameters, strict: true }],
    ['Anthropic’s', { ...named, input_schema: parameters, strict: true }],
    ['OpenAI’s, without a type', { function: ours }],
    ['MCP’s within OpenAI’s', { function: { ...named, inputSchema: parameters, strict: true } }],
    ['with null for other words', { ...ours, inputSchema: null, function: null }],
  ])('%s are read as ours are', (_, tool) => {
    expect(read([user], { tools: [tool] }).chat).toEqual(read([user], { tools: [ours] }).chat)
  })

  test('may have null for what is left out', () => {
    const empty = { description: null, parameters: null, strict: null }
    const tools = [{ type: 'function', function: { name: 'run', ...empty } }]
    expect(read([user], { tools }).chat).toEqual(read([user], { tools: [{ name: 'run' }] }).chat)
  })

  test.each<[string, object, string]>([
    ['tools[0].type', { type: 'web_search' }, '"function" (tools of other types'],
    [
      'tools[0].function.name',
      { type: 'function', function: {} },
      'a name of 1 to 1024 characters',
    ],
    ['tools[0].function.paramaters', { function: { name: 'a', paramaters: {} } }, "'parameters'?"],
    ['tools[0].name', { name: 'a', function: { name: 'a' } }, 'nothing beside function'],
    [
      'tools[0].input_schema',
      { ...named, parameters, input_schema: {} },
      'nothing beside parameters, whose other name it is',
    ],
    [
      'tools[0].function.parameters.type',
      { type: 'function', function: { ...ours, parameters: { type: 'objekt' } } },
      'objekt',
    ],
  ])('are refused at %s', (path, tool, words) => {
    const error = refusal(() =>
      readChat([user], parseChatOptions({ tools: [tool] }), undefined, 'json' as never),
    )
    expect([error.option, (error as { path?: string }).path]).toContain(path)
    expect(error.message).toContain(words)
  })

  test.each<[unknown, unknown]>([
    [{ type: 'function', function: { name: 'b' } }, { name: 'b' }],
    [{ type: 'tool', name: 'b' }, { name: 'b' }],
    [{ type: 'tool', toolName: 'b' }, { name: 'b' }],
    ['any', 'required'],
    [{ type: 'auto' }, 'auto'],
    [
      {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'a' } }] },
      },
      { names: ['a'], mode: 'required' },
    ],
  ])('are chosen by %j', (theirs, own) => {
    const tools = [{ name: 'a' }, { name: 'b' }]
    const { chat } = read([user], { tools, toolChoice: theirs })
    expect(chat).toEqual(read([user], { tools, toolChoice: own }).chat)
  })

  test.each([{ type: 'function' }, { type: 'some' }, 'requird'])('are not by %j', (toolChoice) => {
    const error = refusal(() => read([user], { tools: [{ name: 'a' }], toolChoice }))
    expect(error.message).toContain('or an object such as {"name": "get_weather"}')
  })
})
