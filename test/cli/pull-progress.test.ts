import { describe, expect, test } from 'vitest'
import { PullProgressLine } from '../../src/cli/models/pull-progress.js'
import { bytesText, durationText } from '../../src/cli/models/sizes.js'

const at = (bytes: number) => ({
  phase: 'downloading' as const,
  file: 'a.gguf',
  bytes,
  totalBytes: 2_000_000_000,
  bytesPerSecond: 34_000_000,
  secondsLeft: (2_000_000_000 - bytes) / 34_000_000,
})

function told(isTerminal: boolean) {
  const written: string[] = []
  return { written, line: new PullProgressLine(isTerminal, (text) => written.push(text)) }
}

describe('how far a pull is', () => {
  test('is a bar with rate and time left on a terminal, and its line is left clean', () => {
    const { written, line } = told(true)
    line.update(at(1_000_000_000))
    line.clear()
    expect(written[0]).toMatch(
      /^\rPulling \[#{15}-{15}\] 50% 1\.0 GB of 2\.0 GB, 34 MB\/s, 0:30 left/,
    )
    expect(written[1]).toBe('\r\x1b[K')
  })

  test('is a line for each tenth elsewhere', () => {
    const { written, line } = told(false)
    for (let percent = 0; percent <= 100; percent++) line.update(at(percent * 20_000_000))
    expect(written).toHaveLength(11)
    expect(written.at(-1)).toBe('sluice: 100% 2.0 GB of 2.0 GB, 34 MB/s\n')
    expect(written.join('')).not.toContain('\r')
  })

  test('is told of waits and notes in a line of their own', () => {
    const { written, line } = told(true)
    line.update(at(1))
    line.update({ phase: 'waiting', reason: 'rate-limit', ms: 55_000, message: 'hub answered 429' })
    line.update({
      phase: 'waiting',
      reason: 'lock',
      ms: null,
      message: 'another process downloads a',
    })
    line.update({ phase: 'note', message: 'something' })
    expect(written.slice(1)).toEqual([
      '\r\x1b[K',
      'sluice: hub answered 429: the Hub asks to wait 55 s\n',
      'sluice: another process downloads a: waiting for it\n',
      'sluice: something\n',
    ])
  })
})

test('sizes are those of the pages of the Hub', () => {
  expect([999, 2_963_456, 38_000_000, 2_800_000_000, 41_000_000_000].map(bytesText)).toEqual([
    '1 kB',
    '3.0 MB',
    '38 MB',
    '2.8 GB',
    '41 GB',
  ])
})

test('times are told in minutes, and hours where there are some', () => {
  expect([4.2, 750, 3750].map(durationText)).toEqual(['0:05', '12:30', '1:02:30'])
})
