import { describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/api/errors.js'
import { parseChat, parseChatOptions } from '../../src/options/chat-options.js'
import { jsonTextOf } from '../../src/schema/json-of.js'

function refusal(act: () => unknown): InvalidOptionError {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError)
    return error as InvalidOptionError
  }
  throw new Error('nothing was refused')
}

describe('messages', () => {
  test('with the role developer are what templates call system, and other roles stay', () => {
    const roles = ['system', 'developer', 'user', 'assistant', 'tool']
    const turns = roles.map((role) => ({ role, content: role }))
    const { messages: parsed } = parseChat(turns, {})
    expect(parsed.map(({ role }) => role)).toEqual([
      'system',
      'system',
      'user',
      'assistant',
      'tool',
    ])
    expect(parsed.map(({ content }) => content)).toEqual(roles)
  })

  test.each([
    ['messages', []],
    ['messages', 'hello'],
    ['messages', undefined],
    ['messages[0]', ['hello']],
    ['messages[0].role', [{ role: 'robot', content: '' }]],
    ['messages[0].role', [{ content: 'x' }]],
    ['messages[0].content', [{ role: 'user' }]],
    [
      'messages[1].content',
      [
        { role: 'user', content: 'x' },
        { role: 'user', content: 5 },
      ],
    ],
  ])('are refused where something is wrong, which is named by its path: %s', (path, messages) => {
    expect(refusal(() => parseChat(messages, {})).option).toBe(path)
  })

  test('of an assistant call tools, and a tool answers', () => {
    const call = { id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' }
    const { messages } = parseChat(
      [
        { role: 'user', content: 'And in Paris?' },
        { role: 'assistant', reasoning: 'I must ask.', toolCalls: [call] },
        { role: 'tool', content: 'rain', toolCallId: 'call_1', name: 'get_weather' },
      ],
      {},
    )
    expect(messages[1]).toMatchObject({ content: '', reasoning: 'I must ask.', toolCalls: [call] })
    expect(messages[2]).toMatchObject({ toolCallId: 'call_1', name: 'get_weather' })
  })

  test('have calls that may be cut, objects, or without what a template makes up for', () => {
    const [message] = parseChat(
      [
        {
          role: 'assistant',
          toolCalls: [
            { name: 'a', arguments: '{"city": "Par' },
            { name: 'b', arguments: { city: 'Paris' }, id: '' },
            { name: 'c', arguments: '['.repeat(99) },
            { name: 'd' },
          ],
        },
      ],
      {},
    ).messages
    expect(message?.toolCalls).toEqual([
      { id: '', name: 'a', arguments: '{"city": "Par' },
      { id: '', name: 'b', arguments: '{"city":"Paris"}' },
      { id: '', name: 'c', arguments: '['.repeat(99) },
      { id: '', name: 'd', arguments: '' },
    ])
  })

  test('of an assistant and of a tool may be empty', () => {
    const { messages } = parseChat([{ role: 'assistant' }, { role: 'tool' }], {})
    expect(messages.map(({ content }) => content)).toEqual(['', ''])
  })

  const call = { id: 'x', name: 'x', arguments: '{}' }
  const user = { role: 'user', content: 'x' }
  test.each([
    ['messages[0].toolCalls', [{ ...user, toolCalls: [call] }, user]],
    ['messages[0].toolCalls[0].id', [{ role: 'assistant', toolCalls: [{ id: 1 }] }, user]],
    ['messages[0].toolCalls[0].name', [{ role: 'assistant', toolCalls: [{ id: 'x' }] }, user]],
    [
      'messages[0].toolCalls[1].arguments',
      [{ role: 'assistant', toolCalls: [call, { ...call, arguments: [] }] }, user],
    ],
    [
      'messages[0].toolCalls[0].arguments.at',
      [{ role: 'assistant', toolCalls: [{ ...call, arguments: { at: () => 1 } }] }, user],
    ],
  ])('are refused where a call is wrong, which is named by its path: %s', (path, messages) => {
    expect(refusal(() => parseChat(messages, {})).option).toBe(path)
  })

  test('are not changed by reading them', () => {
    const given = [{ role: 'developer', content: 'x' }]
    parseChat(given, {})
    expect(given).toEqual([{ role: 'developer', content: 'x' }])
  })
})

describe('tools', () => {
  const hello = [{ role: 'user', content: 'Hello' }]
  const weather = { name: 'get_weather', parameters: { type: 'object' } }
  const run = { name: 'run', description: 'Runs code' }

  test('reach the template with their schemas as text', () => {
    expect(parseChat(hello, { tools: [weather, run] })).toMatchObject({
      tools: [
        { name: 'get_weather', description: '', parameters: '{"type":"object"}' },
        { name: 'run', description: 'Runs code', parameters: '{}' },
      ],
      toolChoice: 'auto',
      parallelToolCalls: true,
    })
  })

  test('are that alone that a choice names, and required', () => {
    const chat = parseChat(hello, { tools: [weather, run], toolChoice: { name: 'run' } })
    expect(chat.toolChoice).toBe('required')
    expect(chat.tools.map(({ name }) => name)).toEqual(['run'])
  })

  test.each([
    ['tools[0].name', { tools: [{ name: ' ' }] }],
    ['tools[0].name', { tools: [{ name: 'x'.repeat(1025) }] }],
    ['tools[1].name', { tools: [run, { ...run, description: 'walks', strict: true }] }],
    ['tools[0].parameters', { tools: [{ name: 'x', parameters: deep(65) }] }],
    ['tools[0].strict', { tools: [{ ...run, strict: 1 }] }],
    ['tools[0].type', { tools: [{ ...run, type: 'web_search' }] }],
    ['tools', { tools: [{ name: 'x', description: 'x'.repeat(2 ** 20) }] }],
    ['tools', { tools: Array(1025).fill(run) }],
    ['toolChoice', { tools: [run], toolChoice: { names: ['walk'] } }],
    ['toolChoice', { tools: [run], toolChoice: { names: [], mode: 'required' } }],
    ['toolChoice', { tools: [run], toolChoice: { name: 'walk' } }],
    ['toolChoice', { toolChoice: 'required' }],
    ['reasoning.effort', { reasoning: { effort: 'very high' } }],
    ['reasoning.enabled', { reasoning: { enabled: 1 } }],
    ['reasoning.budget', { reasoning: { budget: -2 } }],
    ['reasoning.budget', { reasoning: { budget: 1.5 } }],
    ['reasoning.budgetMessage', { reasoning: { budgetMessage: 'x'.repeat(1025) } }],
  ])('are refused where something is wrong, which is named by its path: %s', (path, options) => {
    expect(refusal(() => parseChat(hello, options as object)).option).toBe(path)
  })

  test.each([
    ['tools', 'run'],
    ['toolChoice', 'some'],
    ['toolChoice', { type: 'function' }],
    ['toolChoice.mode', { names: ['run'], mode: 'any' }],
    ['toolChoice.names', { names: [7] }],
    ['parallelToolCalls', 0],
    ['reasoning', true],
    ['continueFinal', 'yes'],
  ])('are refused by their name: %s of %j', (name, value) => {
    const [key = ''] = name.split('.')
    expect(refusal(() => parseChatOptions({ [key]: value })).option).toBe(name)
  })

  function deep(levels: number): object {
    return levels === 1 ? {} : { items: deep(levels - 1) }
  }
})

describe('a last message of the assistant', () => {
  const user = { role: 'user', content: 'x' }
  const assistant = { role: 'assistant', content: 'Once' }

  test('is the beginning of the reply, unless that is not wanted', () => {
    expect(parseChat([user, assistant], {}).continues).toBe(true)
    expect(parseChat([user, assistant], { continueFinal: false }).continues).toBe(false)
    expect(parseChat([user], {}).continues).toBe(false)
  })

  test.each([
    ['messages[0].role', [user], true],
    [
      'messages[1].toolCalls',
      [user, { role: 'assistant', toolCalls: [{ id: '1', name: 'x', arguments: '{}' }] }],
      true,
    ],
  ])('cannot be gone on with: %s', (path, messages, continueFinal) => {
    expect(refusal(() => parseChat(messages, { continueFinal })).option).toBe(path)
  })

  test('is answered where it called tools, and one after another goes on', () => {
    const called = { role: 'assistant', toolCalls: [{ name: 'x' }] }
    expect(parseChat([user, called], {}).continues).toBe(false)
    expect(parseChat([user, assistant, assistant], {}).continues).toBe(true)
  })
})

test.each<[value: unknown, depth: number]>([
  [{ 'a[': ['"{', {}], b: [[]] }, 3],
  ['{[', 0],
  [[], 1],
])('the depth of %j is counted', (value, depth) => {
  expect(jsonTextOf(value, 1000)).toMatchObject({ text: JSON.stringify(value), depth })
})

describe('a reasoning budget', () => {
  const user = [{ role: 'user', content: 'x' }]
  const ends = ['</think>', '<tool_call>']
  const budgetOf = (reasoning: object, thinking: Parameters<typeof parseChat>[2]) => {
    const { reasoningBudget, reasoningBudgetMessage } = parseChat(user, { reasoning }, thinking)
    return [reasoningBudget, reasoningBudgetMessage]
  }

  test('is the request’s, else the engine’s, else none', () => {
    const defaults = { budget: 7, budgetMessage: 'So.' }
    expect(budgetOf({}, { ends, defaults: {} })).toEqual([-1, ''])
    expect(budgetOf({}, { ends, defaults })).toEqual([7, 'So.'])
    expect(budgetOf({ budget: 0 }, { ends, defaults })).toEqual([0, 'So.'])
    expect(budgetOf({ budget: -1, budgetMessage: '' }, { ends, defaults })).toEqual([-1, ''])
  })

  test('is refused where thoughts are not known, unless it asks for nothing', () => {
    const thinking = { ends: [], defaults: { budget: 7, budgetMessage: 'So.' } }
    for (const reasoning of [{}, { budget: -1 }, { budgetMessage: '</think>' }]) {
      expect(budgetOf(reasoning, thinking)).toEqual([-1, ''])
    }
    expect(refusal(() => budgetOf({ budget: 0 }, thinking)).option).toBe('reasoning.budget')
  })

  test.each(ends)('takes no message with %s in it', (end) => {
    const asked = () => budgetOf({ budgetMessage: `So${end}.` }, { ends, defaults: {} })
    expect(refusal(asked).option).toBe('reasoning.budgetMessage')
  })
})
