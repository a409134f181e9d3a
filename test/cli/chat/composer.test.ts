import { describe, expect, test } from 'vitest'
import { type Entry, MessageComposer } from '../../../src/cli/chat/composer.js'

const pasted = (line: string) => ({ line })

/** What lines come to, of which some were pasted. */
function entriesOf(lines: (string | { line: string })[]): Entry[] {
  const composer = new MessageComposer()
  return lines.flatMap((one) => {
    const entry = typeof one === 'string' ? composer.add(one) : composer.addPasted(one.line)
    return entry ?? []
  })
}

describe('what is entered', () => {
  test.each([
    ['a line', ['one', 'two'], ['one', 'two']],
    [
      'lines that end in a backslash',
      ['one\\', '  two\\', 'three', 'four'],
      ['one\n  two\nthree', 'four'],
    ],
    [
      'a block between quotes',
      ['"""', 'one', '', 'two\\', '"""', 'three'],
      ['one\n\ntwo\\', 'three'],
    ],
    ['a block that begins and ends within lines', ['"""one', 'two"""'], ['one\ntwo']],
    ['a block of one line', ['"""/one"""'], ['/one']],
    [
      'a pasted text and the line behind it',
      [pasted('one\\'), pasted('"""'), 'two'],
      ['one\\\n"""\ntwo'],
    ],
    ['a pasted text that ends in line ends', [pasted('one'), pasted(''), ''], ['one']],
    [
      'a pasted text within a block',
      ['"""', pasted('one'), pasted('two'), 'three"""'],
      ['one\ntwo\nthree'],
    ],
    ['a text whose first line is far in', ['  one'], ['  one']],
    ['nothing', ['', '   ', '"""', '"""', '\\', ''], []],
  ])('is one message where it is %s', (_, lines, texts) => {
    const messages = texts.map((text) => ({ text, isCommand: false }))
    expect(entriesOf(lines)).toEqual(messages)
  })

  test.each([
    ['a line with a slash', ['/help'], '/help'],
    ['such a line that goes on', ['/system one\\', 'two'], '/system one\ntwo'],
    ['such a line that was pasted', [pasted('/help'), ''], '/help'],
  ])('is a command where it is %s', (_, lines, text) => {
    expect(entriesOf(lines)).toEqual([{ text, isCommand: true }])
  })

  test.each([
    ['stands behind a space', [' /etc/hosts'], ' /etc/hosts'],
    ['begins a pasted text', [pasted('/etc/hosts'), 'what is it?'], '/etc/hosts\nwhat is it?'],
  ])('is no command where its slash %s', (_, lines, text) => {
    expect(entriesOf(lines)).toEqual([{ text, isCommand: false }])
  })

  test('is open until it is complete, and cleared with all that it has', () => {
    const composer = new MessageComposer()
    expect(composer.isOpen).toBe(false)
    composer.add('"""one')
    expect(composer.isOpen).toBe(true)
    composer.clear()
    expect(composer.isOpen).toBe(false)
    expect(composer.add('two"""')).toEqual({ text: 'two"""', isCommand: false })
    composer.add('three\\')
    expect(composer.isOpen).toBe(true)
    composer.add('four')
    expect(composer.isOpen).toBe(false)
  })
})
