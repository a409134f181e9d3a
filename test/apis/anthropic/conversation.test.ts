import { describe, expect, test } from 'vitest'
import { readConversation } from '../../../src/apis/anthropic/messages/conversation.js'
import { sealed } from '../../../src/apis/sealed-text.js'

const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: unknown) => ({ role: 'assistant', content })
const text = (text: string, more: object = {}) => ({ type: 'text', text, ...more })
const read = (system: unknown, ...messages: unknown[]) => readConversation(system, messages)

describe('a system prompt', () => {
  test.each([
    ['a string', 'Be brief.', 'Be brief.'],
    [
      'blocks',
      [text('Be'), text('brief.', { cache_control: { type: 'ephemeral' } })],
      'Be\nbrief.',
    ],
  ])('of %s is the first message', (_, system, content) => {
    const { messages, places } = read(system, user('Hi'))
    expect(messages).toEqual([{ role: 'system', content }, user('Hi')])
    expect(places).toEqual(['system', 'messages[0]'])
  })

  test.each([undefined, '', []])('of %j is none', (system) => {
    expect(read(system, user('Hi')).messages).toEqual([user('Hi')])
  })

  const billing = 'x-anthropic-billing-header: cc_version=2.1.332.abc; cch=0f3a1;'

  test.each([
    [[text(billing), text('You are Claude Code.')], 'You are Claude Code.'],
    [[text(`${billing}\n\nYou are Claude Code.`)], 'You are Claude Code.'],
    [`${billing}\nYou are Claude Code.`, 'You are Claude Code.'],
  ])('%# has no header for billing, which a note says', (system, content) => {
    const { messages, notes } = read(system, user('Hi'))
    expect(messages[0]).toEqual({ role: 'system', content })
    expect(notes).toEqual([{ path: 'system', message: expect.stringContaining('left out') }])
  })

  test('that is only a header for billing is none', () => {
    expect(read([text(billing)], user('Hi')).messages).toEqual([user('Hi')])
  })

  test('that tells of such a header keeps it', () => {
    const told = `Explain "${billing}"`
    expect(read(told, user('Hi'))).toMatchObject({ messages: [{ content: told }, {}], notes: [] })
  })
})

test('a message of the system stays where it is', () => {
  const late = { role: 'system', content: [text('Now'), text('be brief.')] }
  expect(read('Be kind.', user('Hi'), late, user('Go on')).messages.slice(1)).toEqual([
    user('Hi'),
    { role: 'system', content: 'Now\nbe brief.' },
    user('Go on'),
  ])
})

describe('a user', () => {
  const result = (more: object) => ({ type: 'tool_result', tool_use_id: 'a', ...more })
  const tool = (content: string, toolCallId = 'a') => ({ role: 'tool', toolCallId, content })

  test.each([
    ['no content', {}, ''],
    ['null', { content: null }, ''],
    ['a string', { content: 'sunny' }, 'sunny'],
    ['blocks', { content: [text('sunny'), text('warm')] }, 'sunny\nwarm'],
    ['a tool', { content: [{ type: 'tool_reference', tool_name: 'Grep' }] }, 'Grep'],
    ['a failure', { content: 'no such city', is_error: true }, 'Error: no such city'],
    ['a failure without words', { is_error: true }, 'Error: '],
    ['a failure that says so', { content: 'Error: no city', is_error: true }, 'Error: no city'],
    [
      'a failure in tags',
      { content: '<tool_use_error>no</tool_use_error>', is_error: true },
      '<tool_use_error>no</tool_use_error>',
    ],
  ])('with a result of %s is a tool', (_, more, content) => {
    expect(read(undefined, user([result(more)])).messages).toEqual([tool(content)])
  })

  test('with text around results tells the results first', () => {
    const content = [text('Here:'), result({ content: '1' }), text('Well?')]
    const second = result({ tool_use_id: 'b', content: '2' })
    expect(read(undefined, user([...content, second])).messages).toEqual([
      tool('1'),
      tool('2', 'b'),
      user('Here:\nWell?'),
    ])
    expect(read(undefined, user([...content, second])).places).toEqual([
      ...['messages[0]', 'messages[0]', 'messages[0]'],
    ])
  })

  test('with a result of a search tells its title, source and text', () => {
    const found = {
      type: 'search_result',
      title: 'Foxes',
      source: 'b.org',
      content: [text('Red.')],
    }
    const said = 'Foxes\nb.org\nRed.'
    expect(read(undefined, user([found])).messages).toEqual([user(said)])
    expect(read(undefined, user([result({ content: [found] })])).messages).toEqual([tool(said)])
  })
})

describe('an assistant', () => {
  const call = { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Oslo' } }

  test('with text and calls has both', () => {
    expect(read(undefined, assistant([text('Let me'), text('look.'), call])).messages).toEqual([
      {
        role: 'assistant',
        content: 'Let me\nlook.',
        toolCalls: [{ id: 'toolu_1', name: 'get_weather', arguments: '{"city":"Oslo"}' }],
      },
    ])
  })

  test.each([
    ['of ours', sealed('')],
    ['of others', 'EqQBCgIYAhIM'],
    ['empty', ''],
    ['left out', undefined],
    ['of another type', 7],
  ])('with thinking has it, whatever its signature: %s', (_, signature) => {
    const thinking = { type: 'thinking', thinking: 'Hm.', signature }
    expect(read(undefined, assistant([thinking, text('Yes.')])).messages).toEqual([
      { role: 'assistant', content: 'Yes.', reasoning: 'Hm.' },
    ])
  })

  test('with thinking that was not shown has what its signature carries', () => {
    const hidden = { type: 'thinking', thinking: '', signature: sealed('Hm, é 🦊.') }
    const [message] = read(undefined, assistant([hidden, text('Yes.')])).messages
    expect(message).toMatchObject({ reasoning: 'Hm, é 🦊.' })
  })

  test.each([
    [{ type: 'thinking', thinking: '', signature: 'EqQBCgIYAhIM' }],
    [{ type: 'redacted_thinking', data: 'EmwKAhgB' }],
  ])('with thinking that nobody here can read has none: %j', (block) => {
    expect(read(undefined, assistant([block, text('Yes.')])).messages).toEqual([
      { role: 'assistant', content: 'Yes.' },
    ])
  })
})

describe('what is wrong is told by its place', () => {
  const image = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }
  const pdf = { type: 'document', source: { type: 'base64', data: '' } }
  const unread = /images, documents and files are not read/
  const resultOf = (content: unknown) => [{ type: 'tool_result', tool_use_id: 'a', content }]

  test.each([
    [undefined, 'Hi', 'messages[0]', /an object such as/],
    [undefined, { role: 'wizard', content: 'Hi' }, 'messages[0].role', /"user"/],
    [undefined, user(undefined), 'messages[0].content', /a string, or an array/],
    [undefined, user([text('a'), 'b']), 'messages[0].content[1]', /an object/],
    [undefined, user([{ type: 'text' }]), 'messages[0].content[0].text', /a string/],
    [undefined, user([text('a'), image]), 'messages[0].content[1].type', unread],
    [undefined, user([pdf]), 'messages[0].content[0].type', unread],
    [undefined, user(resultOf([image])), 'messages[0].content[0].content[0].type', unread],
    [undefined, user([{ type: 'video' }]), 'messages[0].content[0].type', /"tool_result", but got/],
    [
      undefined,
      user([{ type: 'tool_result', content: 'a' }]),
      'messages[0].content[0].tool_use_id',
      /the id of a tool_use block/,
    ],
    [
      undefined,
      assistant([{ type: 'tool_use', id: 'a', name: 'b', input: '{}' }]),
      'messages[0].content[0].input',
      /an object/,
    ],
    [undefined, assistant(resultOf('a')), 'messages[0].content[0].type', /"tool_use"/],
    [7, user('Hi'), 'system', /a string, or an array/],
    [[image], user('Hi'), 'system[0].type', unread],
  ])('%j %j', (system, message, field, expected) => {
    expect(() => read(system, message)).toThrow(
      expect.objectContaining({ status: 400, field, message: expect.stringMatching(expected) }),
    )
  })
})
