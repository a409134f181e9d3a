import { describe, expect, test } from 'vitest'
import { pictureOf } from '../../scripts/terminal/picture.mjs'
import { piecesOf } from '../../scripts/terminal/screen.mjs'
import { problemsOf, textsOf } from '../support/pictures/svg.js'

/** What stands on the screen at a moment, row by row. */
function screenAt(ms: number, outputs: [at: number, text: string][], columns = 10): string[] {
  const pieces = piecesOf(
    outputs.map(([at, text]) => ({ at, text })),
    columns,
  )
  const rows: string[] = []
  for (const { row, column, text, from, until } of pieces) {
    if (from > ms || (until !== undefined && until <= ms)) continue
    rows[row] = (rows[row] ?? '').padEnd(column).slice(0, column) + text
  }
  return Array.from(rows, (text) => text ?? '')
}

describe('the screen of a recording', () => {
  test('has what came by then, and goes on in the next row at its end', () => {
    const outputs: [number, string][] = [
      [0, '$ ls\r\n'],
      [100, 'abcdefghij'],
      [200, 'k日\r\nl'],
    ]
    expect(screenAt(0, outputs)).toEqual(['$ ls'])
    expect(screenAt(150, outputs)).toEqual(['$ ls', 'abcdefghij'])
    expect(screenAt(200, outputs)).toEqual(['$ ls', 'abcdefghij', 'k日', 'l'])
  })

  test('is cleared, and a row is written over', () => {
    const outputs: [number, string][] = [
      [0, 'one\r\ntwo'],
      [100, '\x1b[H\x1b[2J\x1b[3J50%'],
      [200, '\r\x1b[Kdone'],
      [300, '\rD'],
    ]
    expect(screenAt(50, outputs)).toEqual(['one', 'two'])
    expect(screenAt(100, outputs)).toEqual(['50%'])
    expect(screenAt(200, outputs)).toEqual(['done'])
  })

  test('has a line that readline draws anew, and nothing below it', () => {
    const outputs: [number, string][] = [
      [0, 'one\r\n\x1b[?2004h>>> two\r\nthree'],
      [100, '\x1b[H\r\n\x1b[1G\x1b[0J>>> \x1b[5Gfour'],
    ]
    expect(screenAt(50, outputs)).toEqual(['one', '>>> two', 'three'])
    expect(screenAt(100, outputs)).toEqual(['one', '>>> four'])
  })

  test('knows the colours of our commands, and refuses what it does not know', () => {
    const pieces = piecesOf([{ at: 0, text: '\x1b[33msluice:\x1b[39m a' }], 20)
    expect(pieces.map(({ text, style }) => [text, style])).toEqual([
      ['sluice:', 'yellow'],
      [' a', ''],
    ])
    expect(() => piecesOf([{ at: 0, text: '\x1b[5;5f' }], 20)).toThrow('ESC[5;5f')
    expect(() => piecesOf([{ at: 0, text: '\x07' }], 20)).toThrow('u0007')
  })
})

describe('the picture of a recording', () => {
  const picture = pictureOf(
    piecesOf(
      [
        { at: 0, text: '$ echo "<a & b>"\r\n' },
        { at: 500, text: '<a & b>' },
        { at: 900, text: '\x1b[H\x1b[2Jend' },
      ],
      20,
    ),
    { columns: 20, title: 'A "test"' },
  )

  test('is well-formed, without scripts and what is fetched', () => {
    expect(problemsOf(picture)).toEqual([])
    expect(picture).not.toMatch(/<script|foreignObject|href|url\(|@import/)
  })

  test('has all that was on the screen', () => {
    expect(textsOf(picture)).toEqual(['$ echo "<a & b>"', '<a & b>', 'end'])
  })

  test('shows the last screen alone where nothing moves', () => {
    expect(picture.match(/<text class="gone"/g)).toHaveLength(2)
    expect(picture).toMatch(/prefers-reduced-motion: no-preference\) {\s+text { animation: /)
    expect(picture.match(/animation: /g)).toHaveLength(1)
  })
})
