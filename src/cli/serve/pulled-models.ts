import type { ModelsOptions } from '../../api/models-types.js'
import { isOfHub, withFiles } from '../../engine/pull/cached-files.js'
import { PullProgressLine } from '../models/pull-progress.js'

/**
 * The same with paths in the place of names of the Hub, drafts too. What the cache does not have
 * is pulled, one after another, and how far that is is told on stderr.
 * @throws PullError; CancelledError where the signal says so
 */
export async function pulledModels(
  models: ModelsOptions['models'],
  signal: AbortSignal,
): Promise<ModelsOptions['models']> {
  const entries = Object.entries(models)
  const given = entries.flatMap(([, { model, draft }]) => [model, draft])
  const files = await filesOf(new Set(given.filter(isOfHub)), signal)
  const pulled = entries.map(async ([name, options]) => {
    return [name, await withFiles(options, (hub) => files.get(hub) ?? hub)] as const
  })
  return Object.fromEntries(await Promise.all(pulled))
}

async function filesOf(
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  if (names.size === 0) return files
  const { hubFile } = await import('../../engine/pull/hub-file.js')
  const line = new PullProgressLine()
  try {
    for (const name of names) files.set(name, await hubFile(name, line.update, signal))
  } finally {
    line.clear()
  }
  return files
}
