import { expect, test } from 'vitest'
import { readItem } from '../../../../src/apis/openai/responses/items.js'
import { keptInput } from '../../../../src/apis/openai/responses/kept-input.js'

// Items as they are kept: each with an id.

/** The ids that items without one are given. */
function idsOf(...given: readonly Record<string, unknown>[]): readonly string[] {
  const items = given.map((one) => {
    const said = readItem(one)
    if ('expected' in said) throw new Error(said.expected)
    return { given: one, said }
  })
  const { json, ids } = keptInput(items)
  expect((JSON.parse(json) as { id: string }[]).map(({ id }) => id)).toEqual(ids)
  return ids
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

test.each(['constructor', 'toString', '__proto__', 'web_search_call'])(
  'an item of the type %s has one as any other',
  (type) => {
    expect(readItem({ type })).toEqual({ kind: 'unknown', type })
    expect(idsOf({ type })).toEqual([expect.stringMatching(/^item_/)])
  },
)
