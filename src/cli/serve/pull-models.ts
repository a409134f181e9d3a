import type { ModelsOptions } from '../../api/models-types.js'
import { isOfHub } from '../../engine/pull/cached-files.js'
import { PullProgressLine } from '../models/pull-progress.js'

/**
 * Pulls what the cache does not have of models that are named by the Hub, drafts too, one after
 * another. How far that is is told on stderr.
 * @throws PullError; CancelledError where the signal says so
 */
export async function pullModels(
  models: ModelsOptions['models'],
  signal: AbortSignal,
): Promise<void> {
  const given = Object.values(models).flatMap(({ model, draft }) => [model, draft])
  const names = new Set(given.filter(isOfHub))
  if (names.size === 0) return
  const { hubFile } = await import('../../engine/pull/hub-file.js')
  const line = new PullProgressLine()
  try {
    for (const name of names) await hubFile(name, line.update, signal)
  } finally {
    line.clear()
  }
}
