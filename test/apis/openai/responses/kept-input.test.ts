import { expect, test } from 'vitest'
import { readItem } from '../../../../src/apis/openai/responses/items.js'
import { keptInput } from '../../../../src/apis/openai/responses/kept-input.js'

// Items as they are kept: each with an id.

/** The ids that items without one are given. */
function idsOf(...given: readonly Record<string, unknown>[]): readonly string[] {
  return keptOf(...given).map(({ id }) => id)
}

function keptOf(...given: readonly Record<string, unknown>[]): { id: string; content?: unknown }[] {
  const items = given.map((one) => {
    const said = readItem(one)
    if ('expected' in said) throw new Error(said.expected)
    return { given: one, said }
  })
  const { json, ids } = keptInput(items)
  const kept = JSON.parse(json) as { id: string }[]
  expect(kept.map(({ id }) => id)).toEqual(ids)
  return kept
}

test('an item has its own id, or one by its type', () => {
  const ids = idsOf(
    { id: 'mine', role: 'user', content: 'A' },
    { role: 'user', content: 'A' },
    { type: 'reasoning' },
    { type: 'function_call', call_id: 'a', name: 'run' },
    { type: 'custom_tool_call_output', call_id: 'a' },
  )
  const kinds = ids.map((id) => id.split('_')[0])
  expect(kinds).toEqual(['mine', 'msg', 'rs', 'fc', 'ctco'])
})

const part = { type: 'input_text', text: 'A' }

test.each<[string, unknown, string, unknown]>([
  ['a text', 'A', 'user', [part]],
  ['a list', [part], 'user', [part]],
  ['one part alone', part, 'user', [part]],
  ['nothing', null, 'assistant', []],
])('the content of a message is a list: %s', (_, content, role, expected) => {
  expect(keptOf({ role, content })[0]?.content).toEqual(expected)
})

test.each(['constructor', 'toString', '__proto__', 'web_search_call'])(
  'an item of the type %s has one as any other',
  (type) => {
    expect(readItem({ type })).toEqual({ kind: 'unknown', type })
    expect(idsOf({ type })).toEqual([expect.stringMatching(/^item_/)])
  },
)
