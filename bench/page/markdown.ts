import { type Row, ratio, worstRatio } from '../report/row.js'
import { median } from '../report/statistics.js'
import { figure, times } from '../report/table.js'

type Column = [title: string, cell: (row: Row) => string]

const model: Column = ['model', (row) => row.model]
const situation: Column = ['situation', (row) => row.situation]
const metric: Column = ['figure', (row) => label(row)]

/** The rows as a table of Markdown; several figures of several situations lie side by side. */
export function markdownTable(rows: readonly Row[]): string {
  const labels = [...new Set(rows.map(label))]
  const heads = [model, situation, metric].filter(([, cell]) => new Set(rows.map(cell)).size > 1)
  if (labels.length > 1 && heads.length > 1) return sideBySide(rows, labels)
  return lines(rows, heads, [
    ['Sluice', ({ values }) => figure(median(values.sluice))],
    [rivalOf(rows), ({ values }) => figure(median(values.rival))],
    ['better', (row) => times(ratio(row))],
    ['worst round', (row) => times(worstRatio(row))],
  ])
}

/** A line a situation, a column a figure, `Sluice / other` in each cell. */
function sideBySide(rows: readonly Row[], labels: string[]): string {
  const heads = [model, situation]
  const key = (row: Row) => `${row.model}, ${row.situation}`
  const firsts = rows.filter((row, i) => rows.findIndex((other) => key(other) === key(row)) === i)
  const figures = labels.map((wanted): Column => {
    const find = (at: Row) => rows.find((row) => key(row) === key(at) && label(row) === wanted)
    return [wanted, (at) => pair(find(at))]
  })
  const table = lines(firsts, heads, figures)
  return `Each cell is Sluice / ${rivalOf(rows)}.\n\n${table}`
}

function pair(row: Row | undefined): string {
  if (!row) return ''
  return `${figure(median(row.values.sluice))} / ${figure(median(row.values.rival))}`
}

function lines(rows: readonly Row[], heads: Column[], figures: Column[]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const all = [...heads, ...figures]
  const rules = [...heads.map(() => '---'), ...figures.map(() => '---:')]
  const body = rows.map((row) => line(all.map(([, cell]) => cell(row))))
  return [line(all.map(([title]) => title)), line(rules), ...body].join('\n')
}

function label({ metric: { label, unit } }: Row): string {
  return `${label}, ${unit}`
}

function rivalOf(rows: readonly Row[]): string {
  return rows[0]?.rival ?? 'other'
}
