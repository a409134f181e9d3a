import { expect, test } from 'vitest'
import { decisionRequest } from '../../src/apis/openai/decisions/schema.js'
import { readQuestion } from '../../src/options/other-words/criteria-questions.js'

// Millions of options fit into a body. A question with more than 255 is refused unread.

const names = Array.from({ length: 256 }, (_, i) => `${i}`)

test.each([
  ['choice', Object.fromEntries(names.map((name) => [name, 'a'])), 'an object'],
  ['score', names, 'an array'],
])('a %s by criteria is counted before its options are read', (type, criteria, what) => {
  expect(readQuestion({ type, instructions: 'a', criteria })).toEqual({
    expected: `${what} of 1 to 255 options`,
    path: ['criteria'],
  })
})

test('the options of OpenAI’s question are handed on unread, for the engine to refuse', () => {
  const choices = names.map((value) => ({ value, description: null, other: 1 }))
  const asked = (some: unknown) => {
    const questions = [{ type: 'choice', instructions: 'a', choices: some }]
    return decisionRequest.parse({ input: 'a', questions }).questions[0]
  }
  expect(asked(choices)?.question).toHaveProperty('choices', choices)
  expect(asked(choices)?.unknown).toEqual([{ at: '', names: [] }])
  const few = choices.slice(1)
  expect(asked(few)?.question).toHaveProperty('choices[0]', { value: '1' })
  expect(asked(few)?.unknown).toHaveLength(256)
})
