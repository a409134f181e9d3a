import { describe, expect, test } from 'vitest'
import { choiceGrammar, regexGrammar } from '../../src/schema/text-grammar.js'

describe('a regular expression', () => {
  test.each([
    ['abc', '^abc$'],
    ['^abc', 'abc$'],
    ['a|b', '(?:a|b)'],
    ['(?P<year>\\d{4})', '(\\d{4})'],
  ])('%s is matched whole, as %s is', (source, other) => {
    expect(regexGrammar(source)).toBe(regexGrammar(other))
  })

  test('writes characters as they are, and not as JSON does', () => {
    const grammar = regexGrammar('["\\n\\\\]')
    expect(grammar).toContain('\\U00000022')
    expect(grammar).toContain('\\U0000000a')
    expect(grammar).not.toContain('\\\\n')
  })

  test.each(['', '(', 'a(?=b)', 'a)|(b', '(a)\\1', 'a^b', 'x'.repeat(4097), 7, null])(
    '%j is refused at its place',
    (source) => {
      expect(() => regexGrammar(source, 'guided_regex')).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_SCHEMA', path: 'guided_regex' }),
      )
    },
  )
})

describe('a choice', () => {
  test('shares beginnings, and takes a text twice as once', () => {
    expect(choiceGrammar(['yes', 'yellow'])).toBe(choiceGrammar(['yellow', 'yes', 'yes']))
    expect(choiceGrammar(['a\n"b"'])).toContain('\\"b\\"')
  })

  test.each([
    [[], 'choices'],
    ['yes', 'choices'],
    [['yes', ''], 'choices[1]'],
    [['yes', 7], 'choices[1]'],
    [['\ud800'], 'choices[0]'],
    [Array(1025).fill('a'), 'choices'],
    [['x'.repeat(70_000)], 'choices'],
  ])('%j is refused at %s', (texts, path) => {
    expect(() => choiceGrammar(texts)).toThrow(expect.objectContaining({ path }))
  })
})
