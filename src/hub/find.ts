import path from 'node:path'
import { PullError } from '../api/errors.js'
import { type HubName, hubNameOf } from '../options/hub-name.js'
import { RepoCache } from './cache.js'
import { choose, labelOf, type ModelFiles, modelsOf } from './quants.js'

/** A model that is in the cache, whole. */
export interface FoundModel {
  readonly name: string
  readonly commit: string
  readonly files: readonly string[]
}

/**
 * The model that a name means among those of the cache: of the revision that was pulled last, or,
 * where the name says none, of an earlier one. Undefined where it is not there whole.
 * @throws PullError: ambiguous
 */
export async function findCached(name: HubName, cache: string): Promise<FoundModel | undefined> {
  const repo = new RepoCache(cache, name.repo)
  const commits = await repo.commits(name.revision)
  const wanted = name.hasRevision ? await repo.ref(name.revision) : undefined
  for (const commit of commits) {
    if (name.hasRevision && commit !== wanted) continue
    const files = await repo.files(commit)
    const model = chosen(name, files)
    if (model !== undefined) {
      const places = model.files.map((file) => path.join(repo.snapshot(commit), file))
      return { name: wholeName(name, model, files), commit, files: places }
    }
  }
  return undefined
}

/** What of a name is told: its quant where that is enough. */
export function wholeName(name: HubName, model: ModelFiles, files: readonly string[]): string {
  return hubNameOf(name, labelOf(model, modelsOf(files)))
}

function chosen(name: HubName, files: readonly string[]): ModelFiles | undefined {
  try {
    const model = choose(name, files)
    return model.isPartial ? undefined : model
  } catch (error) {
    if (error instanceof PullError && error.reason !== 'ambiguous') return undefined
    throw error
  }
}
