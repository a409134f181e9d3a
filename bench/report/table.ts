import { type Row, ratio, worstRatio } from './row.js'
import { median } from './statistics.js'

/** The rows of one case for the terminal. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.model,
    row.situation,
    `${row.metric.label}, ${row.metric.unit}`,
    figure(median(row.values.sluice)),
    `${figure(median(row.values.rival))} ${row.rival}`,
    times(ratio(row)),
    times(worstRatio(row)),
  ])
  return aligned([['model', 'situation', 'metric', 'sluice', 'other', 'better', 'worst'], ...lines])
}

/** Three digits are more than a noisy machine can promise. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** `2.6 x`; a dash where one side has no value to compare. */
export function times(value: number): string {
  return Number.isFinite(value) && value > 0 ? `${Number(value.toPrecision(2))} x` : '-'
}

const numbersFrom = 3

function aligned(lines: string[][]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
  )
  const cell = (text: string, column: number) => {
    const width = widths[column] ?? 0
    return column < numbersFrom ? text.padEnd(width) : text.padStart(width)
  }
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n')
}
