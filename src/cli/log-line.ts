import { isOfModel } from '../http/fault.js'
import { type AccessEntry, describeFault } from '../http/index.js'
import { colours } from './colours.js'

/** A request in one line: time, method, route, status, how it ended, duration, tokens, id. */
export function logLine(entry: AccessEntry, now = new Date()): string {
  const { promptTokens, completionTokens } = entry
  const parts = [
    now.toISOString(),
    entry.method,
    entry.route ?? '-',
    paint(entry)(String(entry.status)),
    entry.code === undefined ? entry.outcome : `${entry.outcome} ${entry.code}`,
    `${Math.round(entry.durationMs)} ms`,
  ]
  if (promptTokens !== undefined) parts.push(`${promptTokens}+${completionTokens ?? 0} tokens`)
  if (entry.key !== undefined) parts.push(`key ${entry.key}`)
  parts.push(colours.dim(entry.requestId))
  // Why there is no engine is said once, and not with each request.
  const fault = isOfModel(entry.code) ? '' : faultLines(entry.error)
  return `${parts.join(' ')}${notesLine(entry)}${fault}\n`
}

function notesLine({ notes = [] }: AccessEntry): string {
  return notes.length === 0 ? '' : `\n  taken otherwise than it says: ${notes.join(', ')}`
}

function faultLines(error: unknown): string {
  if (error === undefined) return ''
  const { name, code, stack } = describeFault(error)
  return `\n${name}${code === undefined ? '' : ` (${code})`}\n${stack}`.trimEnd()
}

function paint({ status, outcome }: AccessEntry): (text: string) => string {
  if (status >= 500 || outcome === 'failed') return colours.red
  return status >= 400 || outcome === 'gone' ? colours.yellow : colours.green
}
