import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorBody } from '../../src/apis/openai/errors.js'
import { errorKinds, HttpError } from '../../src/web/errors.js'

// docs/errors.md has every code that there is, with what to do, and no other.

const text = readFileSync('docs/errors.md', 'utf8')

/** The cells of a section's table, without its head. */
function rows(title: string): string[][] {
  const section = text.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(2).map((line) => {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    return cells.map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'))
  })
}

test('every ErrorCode is in the table, in the order of its declaration', () => {
  const declared = readFileSync('src/api/errors.ts', 'utf8').split('export class')[0] ?? ''
  const codes = [...declared.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code)
  expect(codes.length).toBeGreaterThan(10)
  expect(rows('In a program').map(([code]) => code)).toEqual(codes)
})

test('every code over HTTP is in the table', () => {
  const sent = errorKinds.map((kind) => {
    const error = new HttpError(kind, 'm')
    return `${error.status} ${errorBody(error).error.code ?? 'null'}`
  })
  const told = rows('Over HTTP').map((cells) => cells.slice(0, 2).join(' '))
  const codes = [...new Set(sent)] // both limits of a key have one
  expect(told.sort()).toEqual(codes.sort())
})

test('every code of a process warning is in the table', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  const code = files
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(`src/${name}`, 'utf8'))
    .join('\n')
  const given = [...code.matchAll(/code: '(SLUICE_\w+)'/g)].map(([, name]) => name)
  const told = rows('Warnings').map(([name]) => name)
  expect(told.filter((name) => name !== 'WARN_...').sort()).toEqual([...new Set(given)].sort())
})

describe.each(['In a program', 'Over HTTP'])('the table "%s"', (title) => {
  test('says what to do in each row', () => {
    for (const cells of rows(title)) expect(cells.at(-1)).toMatch(/\w{3}/)
  })
})
