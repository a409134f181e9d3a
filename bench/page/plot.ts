import { type Row, ratio } from '../report/row.js'
import { median } from '../report/statistics.js'
import { figure, times } from '../report/table.js'

/** A line of the plot: two bars, of which the longer fills the width. */
export interface PlotLine {
  words: string
  row: Row
}

const width = 860
const labelWidth = 290
const barWidth = 360
const ratioAt = width - 8
const bar = 11
const lineHeight = 44
const top = 62

/** Colours that keep their contrast on GitHub's light and dark page. */
const style = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 17px; font-weight: 600 }
    .quiet { fill: #59636e; font-size: 12px }
    .ratio { font-weight: 600; text-anchor: end }
    .sluice { fill: #1a7fd4 }
    .rival { fill: #b5bcc4 }
    .rule { stroke: #d1d9e0 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc }
      .quiet { fill: #9198a1 }
      .sluice { fill: #4aa3f0 }
      .rival { fill: #656c76 }
      .rule { stroke: #3d444d }
    }`

/** docs/benchmarks.svg: what a reader should see before any figure. */
export function plot(lines: readonly PlotLine[], machine: string): string {
  const height = top + lines.length * lineHeight + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"
  aria-label="Sluice and llama-server, side by side">
  <style>${style}
  </style>
  <text class="title" x="8" y="24">Sluice beside llama-server, built from the same llama.cpp</text>
  <text class="quiet" x="8" y="44">${escaped(machine)}</text>
${legend()}
${lines.map(line).join('\n')}
</svg>
`
}

function legend(): string {
  return `  <rect class="sluice" x="600" y="13" width="12" height="12" rx="2"/>
  <text class="quiet" x="617" y="23">Sluice</text>
  <rect class="rival" x="668" y="13" width="12" height="12" rx="2"/>
  <text class="quiet" x="685" y="23">the other</text>
  <text class="quiet ratio" x="${ratioAt}" y="23">times better</text>`
}

function line({ words, row }: PlotLine, i: number): string {
  const y = top + i * lineHeight
  const { unit, better } = row.metric
  const sluice = median(row.values.sluice)
  const rival = median(row.values.rival)
  const longest = Math.max(sluice, rival, Number.MIN_VALUE)
  return `  <line class="rule" x1="8" x2="${ratioAt}" y1="${y - 5}" y2="${y - 5}"/>
  <text x="8" y="${y + 13}">${escaped(words)}</text>
  <text class="quiet" x="8" y="${y + 28}">${unit}, ${better} is better</text>
${oneBar('sluice', y + 2, sluice, longest)}
${oneBar('rival', y + 18, rival, longest)}
  <text class="ratio" x="${ratioAt}" y="${y + 20}">${times(ratio(row))}</text>`
}

function oneBar(side: 'sluice' | 'rival', y: number, value: number, longest: number): string {
  const length = Math.max(2, Math.round((Math.max(0, value) / longest) * barWidth))
  const place = `x="${labelWidth}" y="${y}" width="${length}" height="${bar}"`
  return `  <rect class="${side}" ${place} rx="2"/>
  <text class="quiet" x="${labelWidth + length + 6}" y="${y + 10}">${figure(value)}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
