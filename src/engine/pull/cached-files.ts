import type { LoadOptions } from '../../api/types.js'
import { isHubName } from '../../options/hub-name.js'

type Files = Pick<LoadOptions, 'model' | 'draft'>

/**
 * The same with paths in the place of names of the Hub. Nothing is downloaded.
 * @throws PullError: not-cached
 */
export async function withCachedFiles<T extends Files>(options: T): Promise<T> {
  return withFiles(options, inCache)
}

/** The same with what `fileOf` has in the place of names of the Hub, one after the other. */
export async function withFiles<T extends Files>(
  options: T,
  fileOf: (name: string) => string | Promise<string>,
): Promise<T> {
  const { model, draft } = options
  const files: Files = {}
  if (isOfHub(model)) files.model = await fileOf(model)
  if (isOfHub(draft)) files.draft = await fileOf(draft)
  return { ...options, ...files }
}

export function isOfHub(file: string | URL | undefined): file is string {
  return typeof file === 'string' && isHubName(file)
}

/** Most programs have no such model, and do without what it takes to find one. */
async function inCache(name: string): Promise<string> {
  const { cachedHubFile } = await import('./hub-file.js')
  return cachedHubFile(name)
}
