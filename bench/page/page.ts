import fs from 'node:fs'
import { Stop } from '../../scripts/support/stop.mjs'
import { inRoot } from '../paths.js'
import type { CaseResult, Results } from '../report/results.js'
import type { Row } from '../report/row.js'
import { headlines, rowOf } from './headlines.js'
import { markdownTable } from './markdown.js'
import { plot } from './plot.js'

/** Writes docs/benchmarks.md and its plot from figures alone. @returns what was written */
export function writePage(results: Results): string[] {
  const template = fs.readFileSync(inRoot('bench/page/template.md'), 'utf8')
  const files = {
    'docs/benchmarks.md': page(template, results),
    'docs/benchmarks.svg': svg(results),
  }
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(inRoot(name), text)
  return Object.keys(files)
}

/**
 * The template with its places filled: {{machine}}, {{commits}}, {{quiet}}, and a table for
 * {{CASE}} or {{CASE: METRIC; METRIC}}.
 */
export function page(template: string, results: Results): string {
  return template.replace(/\{\{([\w-]+)(?:: ([^}]+))?\}\}/g, (_, name: string, list?: string) => {
    if (name === 'machine') return machineOf(results)
    if (name === 'commits') return commitsOf(results)
    if (name === 'quiet') return quietOf(results)
    const one = results.cases[name]
    if (!one) return `(${name} was not measured)`
    return markdownTable(selected(one, list?.split('; ')))
  })
}

function svg(results: Results): string {
  const rows = Object.values(results.cases).flatMap((one) => one.rows)
  const lines = headlines.flatMap((headline) => {
    const row = rowOf(rows, headline)
    if (row) return [{ words: headline.words, row }]
    const { model, situation } = headline
    const one = results.cases[headline.case]
    if (one?.options.quick || !one?.rows.some((other) => other.model === model)) return []
    throw new Stop(`bench/page/headlines.ts asks for "${situation}", which no row of its case is.`)
  })
  return plot(lines, machineOf(results))
}

function selected({ rows }: CaseResult, labels: string[] | undefined): Row[] {
  if (!labels) return rows
  for (const label of labels) {
    if (rows.some((row) => row.metric.label === label)) continue
    throw new Stop(`bench/page/template.md asks for "${label}", which no row of its case has.`)
  }
  return rows.filter((row) => labels.includes(row.metric.label))
}

function machineOf({ machine, llama }: Results): string {
  const { processor, cores, memoryGiB, system, node } = machine
  const versions = `Node ${node}, llama.cpp ${llama}`
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, ${versions}`
}

function commitsOf({ cases }: Results): string {
  const measured = Object.values(cases).map(
    ({ commit, date }) => `${commit} (${date.slice(0, 10)})`,
  )
  return [...new Set(measured)].join(', ')
}

function quietOf({ cases }: Results): string {
  const most = Math.max(...Object.values(cases).map(({ others }) => others))
  return `${Math.round(most * 100)}%`
}
