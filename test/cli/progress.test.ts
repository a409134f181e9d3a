import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { barLine, ProgressBar } from '../../src/cli/progress.js'

test('the bar is as long at the start as at the end, and filled in between', () => {
  expect(barLine('Loading', 0)).toBe(`Loading [${'-'.repeat(30)}] 0%`)
  expect(barLine('Loading', 50)).toBe(`Loading [${'#'.repeat(15)}${'-'.repeat(15)}] 50%`)
  expect(barLine('Loading', 100)).toBe(`Loading [${'#'.repeat(30)}] 100%`)
})

describe('a progress bar', () => {
  const { isTTY } = process.stderr
  let written: string[]
  let now: number

  beforeEach(() => {
    written = []
    now = 0
    vi.spyOn(process.stderr, 'write').mockImplementation((part) => written.push(`${part}`) > 0)
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    process.stderr.isTTY = true
  })

  afterEach(() => {
    vi.restoreAllMocks()
    process.stderr.isTTY = isTTY
  })

  test('shows each percent once on a terminal, and clears its line', () => {
    const bar = new ProgressBar('Loading')
    now = 1000
    for (const fraction of [0.5, 0.501, 0.51]) bar.update(fraction)
    bar.clear()
    expect(written).toHaveLength(3)
    expect(written[1]).toContain('51%')
    expect(written[2]).toBe('\r\x1b[K')
  })

  test('is not shown where the loading is over in a moment', () => {
    const bar = new ProgressBar('Loading')
    now = 100
    bar.update(0.5)
    bar.clear()
    expect(written).toEqual([])
  })

  test('writes nothing where stderr is no terminal', () => {
    process.stderr.isTTY = false
    const bar = new ProgressBar('Loading')
    now = 1000
    bar.update(0.5)
    bar.clear()
    expect(written).toEqual([])
  })
})
