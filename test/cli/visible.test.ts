import { expect, test } from 'vitest'
import { visible } from '../../src/cli/run/visible.js'

test.each([
  ['a\tb\nc', 'a\tb\nc'],
  ['a\r\nb\rc', 'a\nbc'],
  ['\x1b[2J\x1b]0;title\x07', '␛[2J␛]0;title␇'],
  ['\x00\x08\x7f', '␀␈␡'],
  ['\x9b2J\x90', '\\x9b2J\\x90'],
  ['日本語 🦊 é', '日本語 🦊 é'],
])('of a text, control characters are shown and do nothing on a terminal: %j', (text, shown) => {
  expect(visible(text)).toBe(shown)
})
