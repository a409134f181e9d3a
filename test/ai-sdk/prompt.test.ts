import type { LanguageModelV3Message, LanguageModelV3ToolResultPart } from '@ai-sdk/provider'
import { UnsupportedFunctionalityError } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { call, scriptedProvider, thrownBy } from '../support/chats/scripted-provider.js'

// What the model is told of the AI SDK's messages.

const open = scriptedProvider()

/** The conversation as the template gets it, and the warnings. */
async function told(...prompt: unknown[]) {
  const provider = await open()
  const given = prompt as LanguageModelV3Message[]
  const { warnings } = await provider.sluice().doGenerate(call({ prompt: given }))
  return { messages: provider.asked().prompt.messages, warnings }
}

const user = (text: string) => ({ role: 'user', content: [{ type: 'text', text }] })
const message = (role: string, content: string, more = {}) => {
  const empty = { reasoning: '', name: '', toolCallId: '', toolCalls: [] }
  return { role, content, ...empty, ...more }
}

describe('messages of the AI SDK', () => {
  test('of a system and a user are their texts', async () => {
    const parts = ['Look:', 'a fox'].map((text) => ({ type: 'text', text }))
    const { messages, warnings } = await told(
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: parts },
    )
    expect(messages).toEqual([message('system', 'Be brief'), message('user', 'Look:\na fox')])
    expect(warnings).toEqual([])
  })

  test('of an assistant are its text, its reasoning and its calls, as they came', async () => {
    const content = [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'Let me ' },
      { type: 'text', text: 'look' },
      { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: { at: ['sky'] } },
      { type: 'tool-call', toolCallId: 'b', toolName: 'look', input: '{"at": [' },
    ]
    const { messages } = await told(user('What now?'), { role: 'assistant', content }, user('So?'))
    expect(messages[1]).toEqual(
      message('assistant', 'Let me look', {
        reasoning: 'Hm.',
        toolCalls: [
          { id: 'a', name: 'look', arguments: '{"at":["sky"]}' },
          { id: 'b', name: 'look', arguments: '{"at": [' },
        ],
      }),
    )
  })

  test('of an assistant whose tools ran elsewhere are told in their order', async () => {
    const answer = { type: 'tool-result', toolCallId: 'a', toolName: 'find' }
    const content = [
      { type: 'tool-call', toolCallId: 'a', toolName: 'find', input: {}, providerExecuted: true },
      { ...answer, output: { type: 'text', value: 'a fox' } },
      { type: 'text', text: 'A fox' },
    ]
    const { messages } = await told(user('Find'), { role: 'assistant', content }, user('And?'))
    expect(messages.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'Find'],
      ['assistant', ''],
      ['tool', 'a fox'],
      ['assistant', 'A fox'],
      ['user', 'And?'],
    ])
  })

  test('that are empty stay, as templates count turns', async () => {
    const { messages } = await told(user(''), { role: 'assistant', content: [] }, user('So?'))
    expect(messages.slice(0, 2)).toEqual([message('user', ''), message('assistant', '')])
  })

  test('with parts that no model is told of are warned of', async () => {
    const custom = { type: 'custom', kind: 'a.b' }
    const approval = { type: 'tool-approval-response', approvalId: 'a', approved: true }
    const { messages, warnings } = await told(
      {
        role: 'user',
        content: [
          { type: 'sound', data: 'AAAA' },
          { type: 'text', text: 'So?' },
        ],
      },
      { role: 'assistant', content: [custom, { type: 'text', text: 'Yes' }] },
      { role: 'tool', content: [approval] },
      user('Go on'),
    )
    expect(messages.map(({ content }) => content)).toEqual(['So?', 'Yes', 'Go on'])
    expect(warnings).toEqual([
      { type: 'unsupported', feature: "a message's part of type sound" },
      { type: 'unsupported', feature: "a message's part of type custom" },
      { type: 'unsupported', feature: "a message's part of type tool-approval-response" },
    ])
  })
})

describe('a file in a prompt', () => {
  const bytes = Buffer.from('größer')

  test.each([
    ['in base64', 'text/plain', bytes.toString('base64')],
    ['as bytes', 'text/markdown; charset=utf-8', new Uint8Array(bytes)],
    ['as JSON', 'application/json', bytes.toString('base64')],
    ['as text, since the AI SDK 7', 'text/plain', { type: 'text', text: 'größer' }],
  ])('is its text where it is one: %s', async (_, mediaType, data) => {
    const content = [{ type: 'file', mediaType, data }]
    const { messages } = await told({ role: 'user', content })
    expect(messages).toEqual([message('user', 'größer')])
  })

  test.each([
    ['image/png', new Uint8Array(4)],
    ['text/plain', new URL('https://example.com/a.txt')],
  ])('is refused in the AI SDK’s words where it is none: %s', async (mediaType, data) => {
    const { sluice } = await open()
    const content = [{ type: 'file' as const, mediaType, data }]
    const error = await thrownBy(sluice().doGenerate(call({ prompt: [{ role: 'user', content }] })))
    expect(UnsupportedFunctionalityError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({
      functionality: `file parts of type ${mediaType}`,
      message: expect.stringContaining('leave the file out'),
    })
  })
})

describe('what a tool answered', () => {
  const value = [
    { type: 'text', text: 'Here:' },
    { type: 'image-data', data: 'AAAA', mediaType: 'image/png' },
    { type: 'file-data', data: Buffer.from('notes').toString('base64'), mediaType: 'text/plain' },
    { type: 'file-id', fileId: 'x' },
  ]

  test.each([
    [{ type: 'text', value: 'sunny' }, 'sunny'],
    [{ type: 'json', value: { sky: 'clear' } }, '{"sky":"clear"}'],
    [{ type: 'error-text', value: 'no such city' }, 'Error: no such city'],
    [{ type: 'error-text', value: 'Error: no city' }, 'Error: no city'],
    [{ type: 'error-json', value: { code: 1 } }, 'Error: {"code":1}'],
    [{ type: 'sound', value: 'AAAA' }, '[left out, as only text can be read here: sound]'],
    [{ type: 'execution-denied' }, 'Error: the call was not allowed'],
    [{ type: 'execution-denied', reason: 'not today' }, 'Error: not today'],
    [
      { type: 'content', value },
      'Here:\n[left out, as only text can be read here: image-data, image/png]\nnotes\n' +
        '[left out, as only text can be read here: file-id]',
    ],
  ])('is told as text: %j', async (output, expected) => {
    const part = { type: 'tool-result', toolCallId: 'a', toolName: 'look', output }
    const called = { type: 'tool-call', toolCallId: 'a', toolName: 'look', input: {} }
    const { messages } = await told(
      user('Look'),
      { role: 'assistant', content: [called] },
      { role: 'tool', content: [part as LanguageModelV3ToolResultPart] },
    )
    expect(messages.at(-1)).toEqual(message('tool', expected, { toolCallId: 'a', name: 'look' }))
  })
})
