import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InputHistory, linesMax, stateFolder } from '../../../src/cli/chat/history.js'

describe('the file of what was typed', () => {
  let folder: string
  let file: string
  const warnings: string[] = []
  const open = () => new InputHistory(file, (words) => warnings.push(words))
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-history-'))
    file = path.join(folder, 'state', 'chat-history')
    warnings.length = 0
  })
  afterEach(() => fs.rmSync(folder, { recursive: true }))

  test('has the lines of all sessions, the newest first, and no line twice in a row', () => {
    const one = open()
    const other = open()
    expect(one.read()).toEqual([])
    for (const line of ['a', 'a', 'b']) one.add(line)
    other.add('c')
    one.add('  ')
    one.add('d')
    const next = open()
    expect(next.read()).toEqual(['d', 'c', 'b', 'a'])
    next.add('d')
    expect(open().read()).toEqual(['d', 'c', 'b', 'a'])
    expect(warnings).toEqual([])
  })

  test.skipIf(process.platform === 'win32')('is for its owner alone', () => {
    open().add('a')
    expect(fs.statSync(file).mode & 0o777).toBe(0o600)
    expect(fs.statSync(path.dirname(file)).mode & 0o777).toBe(0o700)
  })

  test('is shortened once it has twice as many lines as are kept', () => {
    fs.mkdirSync(path.dirname(file))
    const lines = (count: number) => Array.from({ length: count }, (_, i) => `line ${i}\n`).join('')
    fs.writeFileSync(file, lines(2 * linesMax))
    expect(open().read()).toHaveLength(linesMax)
    expect(fs.readFileSync(file, 'utf8')).toBe(lines(2 * linesMax))
    fs.writeFileSync(file, lines(2 * linesMax + 1))
    const kept = open().read()
    expect(kept).toHaveLength(linesMax)
    expect(kept[0]).toBe(`line ${2 * linesMax}`)
    expect(fs.readFileSync(file, 'utf8').split('\n')).toHaveLength(linesMax + 1)
    expect(fs.readdirSync(path.dirname(file))).toEqual(['chat-history'])
  })

  test('that cannot be used is told once', () => {
    fs.writeFileSync(path.dirname(file), 'a file where the folder would be')
    const history = open()
    expect(history.read()).toEqual([])
    history.add('a')
    history.add('b')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(file)
  })

  test.each([
    ['linux', {}, '/h/ada/.local/state/sluice'],
    ['linux', { XDG_STATE_HOME: '/var/ada' }, '/var/ada/sluice'],
    ['linux', { XDG_STATE_HOME: 'relative' }, '/h/ada/.local/state/sluice'],
    ['darwin', {}, '/h/ada/Library/Application Support/sluice'],
    ['win32', { LOCALAPPDATA: 'C:\\Data' }, 'C:\\Data\\sluice'],
    ['win32', {}, '\\h\\ada\\AppData\\Local\\sluice'],
  ] as const)('is where %s keeps such, with %j', (platform, environment, folder) => {
    expect(stateFolder(platform, environment, '/h/ada')).toBe(folder)
  })
})
