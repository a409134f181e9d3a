import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** Places in ARCHITECTURE.md are written [`file:12`](file#L12) `what stands there`. */
const place = /\[`([^`:]+):(\d+)`\]\(([^)]+)\) `([^`]+)`/g

const text = readFileSync('ARCHITECTURE.md', 'utf8')
const places = [...text.matchAll(place)]

/** The text itself, and not the beginning or the end of a longer name. */
function wholeWords(text: string): RegExp {
  const plain = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<!\\w)${plain}${/\w$/.test(text) ? '(?!\\w)' : ''}`)
}

describe('ARCHITECTURE.md points where it says', () => {
  test('at many places', () => {
    expect(places.length).toBeGreaterThan(20)
  })

  test.each(places.map(([, file, line, link, what]) => ({ file, line, link, what })))(
    '$what in $file:$line',
    ({ file, line, link, what }) => {
      expect(link).toBe(`${file}#L${line}`)
      const lines = readFileSync(file as string, 'utf8').split('\n')
      expect(lines[Number(line) - 1]).toMatch(wholeWords(what as string))
    },
  )
})

test('ARCHITECTURE.md is at most 100 columns wide, but for its tables', () => {
  const wide = text.split('\n').filter((line) => line.length > 100 && !line.startsWith('|'))
  expect(wide).toEqual([])
})

test('docs/internals/what-is-shown.md names files that are there', () => {
  const shown = readFileSync('docs/internals/what-is-shown.md', 'utf8')
  const named = shown.match(/\b(test|native|models|docs)\/[\w./-]*\w/g) ?? []
  expect(named.length).toBeGreaterThan(80)
  expect(named.filter((file) => !existsSync(file))).toEqual([])
})
