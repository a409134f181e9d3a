import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cases } from '../../bench/cases/index.js'
import { headlines, rowOf } from '../../bench/page/headlines.js'
import { page } from '../../bench/page/page.js'
import { plot } from '../../bench/page/plot.js'
import { resultsOf, rowWith } from './rows.js'

const names = cases.map(({ name }) => name)

describe('the page', () => {
  test('leaves out the columns that say the same in each line', () => {
    const rows = [rowWith(), rowWith({ situation: '32 streams, greedy' })]
    expect(page('{{throughput}}', resultsOf(rows))).toBe(
      [
        '| situation | Sluice | llama-server | better | worst round |',
        '| --- | ---: | ---: | ---: | ---: |',
        '| 8 streams, greedy | 300 | 100 | 3 x | 1 x |',
        '| 32 streams, greedy | 300 | 100 | 3 x | 1 x |',
      ].join('\n'),
    )
  })

  test('shows only the metrics that its place names', () => {
    const metric = { label: 'decode', unit: 'tokens/s', better: 'higher' } as const
    const results = resultsOf([rowWith(), rowWith({ metric, model: 'small' })])
    expect(page('{{throughput: decode; throughput}}', results)).toContain('| small |')
    expect(page('{{throughput: decode}}', results)).toContain('| 300 | 100 | 3 x |')
    expect(page('{{throughput: decode}}', results)).not.toContain('| tiny |')
    expect(() => page('{{throughput: speed}}', results)).toThrow('"speed"')
  })

  test('puts several figures of several situations side by side', () => {
    const metric = { label: 'decode', unit: 'tokens/s', better: 'higher' } as const
    const other = { situation: '32 streams, greedy' }
    const rows = [rowWith(), rowWith({ metric }), rowWith(other), rowWith({ ...other, metric })]
    expect(page('{{throughput}}', resultsOf(rows)).split('\n').slice(2)).toEqual([
      '| model | situation | throughput, tokens/s | decode, tokens/s |',
      '| --- | --- | ---: | ---: |',
      '| tiny | 8 streams, greedy | 300 / 100 | 300 / 100 |',
      '| tiny | 32 streams, greedy | 300 / 100 | 300 / 100 |',
    ])
  })

  test('says which machine, which commit, and what was not measured', () => {
    const text = page('{{machine}} | {{commits}} | {{quiet}} | {{ceiling}}', resultsOf([]))
    expect(text).toContain('2 cores, 8 GiB')
    expect(text).toContain('abc1234 (2026-01-02) | 2% | (ceiling was not measured)')
  })

  test('has a place for every case, and no others', () => {
    const template = fs.readFileSync('bench/page/template.md', 'utf8')
    const places = [...template.matchAll(/\{\{([\w-]+)/g)].map((match) => match[1])
    expect(new Set(places)).toEqual(new Set([...names, 'machine', 'commits', 'quiet']))
  })
})

describe('the plot', () => {
  const lines = [{ words: 'a & b', row: rowWith({ values: { sluice: [300], rival: [100] } }) }]

  test('has two bars a line, the longer one over the whole width', () => {
    const svg = plot(lines, 'A <B>')
    const widths = [
      ...svg.matchAll(/class="(?:sluice|rival)" x="\d+" y="\d+" width="(\d+)" height="11"/g),
    ]
    expect(widths.map((match) => Number(match[1]))).toEqual([360, 120])
    expect(svg).toContain('3 x')
  })

  test('escapes what it is given, and is readable in the dark', () => {
    const svg = plot(lines, 'A <B>')
    expect(svg).toContain('A &lt;B>')
    expect(svg).toContain('a &amp; b')
    expect(svg).toContain('prefers-color-scheme: dark')
  })

  test('finds a row by case, model, situation and metric', () => {
    for (const { case: name } of headlines) expect(names).toContain(name)
    const [first] = headlines
    expect(first && rowOf([rowWith({ model: 'small' }), rowWith()], first)?.model).toBe('tiny')
  })
})
