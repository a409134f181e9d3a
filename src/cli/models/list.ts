import {
  type CachedModel,
  cachedModels,
  type Unfinished,
  unfinished,
} from '../../hub/cached-models.js'
import { hubCache } from '../../hub/settings.js'
import type { listFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import { bytesText } from './sizes.js'

/** `sluice list`: to stdout. @returns the exit code */
export async function listCommand({ json }: Settled<typeof listFlags>): Promise<number> {
  const cache = hubCache()
  const [models, rest] = await Promise.all([cachedModels(cache), unfinished(cache)])
  process.stdout.write(json ? asJson(cache, models, rest) : asTable(cache, models, rest))
  return 0
}

function asJson(
  cache: string,
  models: readonly CachedModel[],
  rest: readonly Unfinished[],
): string {
  const told = models.map(({ files: _, ...model }) => model)
  return `${JSON.stringify({ cache, models: told, unfinished: rest }, null, 2)}\n`
}

function asTable(
  cache: string,
  models: readonly CachedModel[],
  rest: readonly Unfinished[],
): string {
  if (models.length + rest.length === 0) return `No models in ${cache}.\n`
  const rows = [
    ['NAME', 'QUANT', 'SIZE', 'LAST USED'],
    ...models.map(({ name, quant, bytes, lastUsed }) => {
      return [name, quant ?? '', bytesText(bytes), lastUsed.toISOString().slice(0, 10)]
    }),
    ...rest.map(({ repo, bytes }) => [`hf:${repo}`, '', bytesText(bytes), 'not finished']),
  ]
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}
