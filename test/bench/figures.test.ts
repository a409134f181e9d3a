import { describe, expect, test } from 'vitest'
import { ratio, rowsOf } from '../../bench/report/row.js'
import { gaps, median, percentile } from '../../bench/report/statistics.js'
import { figure, table, times } from '../../bench/report/table.js'
import { rowWith } from './rows.js'

describe('statistics', () => {
  test('a median is the middle, or between the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
  })

  test('a percentile lies between the ranks beside it', () => {
    const values = Array.from({ length: 101 }, (_, i) => i)
    expect(percentile(values, 99)).toBe(99)
    expect(percentile([10, 20], 95)).toBeCloseTo(19.5)
    expect(percentile([7], 99)).toBe(7)
  })

  test('gaps are what lies between neighbours', () => {
    expect(gaps([1, 3, 3, 10])).toEqual([2, 0, 7])
    expect(gaps([1])).toEqual([])
  })
})

describe('rows', () => {
  test('a ratio is above 1 where Sluice is better, whichever way that is', () => {
    expect(ratio(rowWith())).toBe(3)
    const metric = { label: 'first token', unit: 'ms', better: 'lower' } as const
    expect(ratio(rowWith({ metric }))).toBeCloseTo(1 / 3)
  })

  test('each metric of the rounds becomes a row', () => {
    const metrics = { wait: { label: 'wait', unit: 'ms', better: 'lower' } } as const
    const heading = { case: 'a', model: 'tiny', situation: 'b' }
    const samples = { sluice: [{ wait: 1 }, { wait: 2 }], rival: [{ wait: 3 }] }
    expect(rowsOf(heading, metrics, samples)).toEqual([
      {
        ...heading,
        rival: 'llama-server',
        metric: metrics.wait,
        values: { sluice: [1, 2], rival: [3] },
      },
    ])
  })
})

describe('the table', () => {
  test('shows three digits, and thousands as whole numbers', () => {
    expect([0.12345, 12.345, 999.9, 12345.6, Number.NaN].map(figure)).toEqual([
      '0.123',
      '12.3',
      '1000',
      '12,346',
      '-',
    ])
  })

  test('has no ratio where a side was zero or below', () => {
    expect([2.64, Number.NaN, Number.POSITIVE_INFINITY, -3].map(times)).toEqual([
      '2.6 x',
      '-',
      '-',
      '-',
    ])
  })

  test('aligns its columns', () => {
    const [head, line] = table([rowWith()]).split('\n')
    expect(line).toMatch(
      /^tiny {3}8 streams, greedy {2}throughput, tokens\/s +300 +100 llama-server/,
    )
    expect(line?.length).toBe(head?.length)
  })
})
