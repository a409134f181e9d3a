import fs from 'node:fs/promises'
import { PullError } from '../../api/errors.js'
import type { PullProgress } from '../../api/pull-types.js'
import { findCached } from '../../hub/find.js'
import { hubCache } from '../../hub/settings.js'
import { wrong } from '../../options/checks.js'
import { type HubName, hubNameForm, parseHubName } from '../../options/hub-name.js'
import { pullFor } from './pull.js'

/**
 * The file of a model of the Hub, for a load: of the cache, and pulled where it is not there. That
 * it is used now is written to its times.
 */
export async function hubFile(
  text: string,
  tell: (progress: PullProgress) => void,
  signal: AbortSignal | undefined,
): Promise<string> {
  const name = nameOf(text)
  const found = await findCached(name, hubCache())
  if (found === undefined) return (await pullFor(name, tell, signal)).path
  for (const file of found.files) await touch(file)
  return found.files[0] ?? ''
}

/** The same where nothing may be downloaded. @throws PullError */
export async function cachedHubFile(text: string): Promise<string> {
  const cache = hubCache()
  const found = await findCached(nameOf(text), cache)
  if (found?.files[0] !== undefined) return found.files[0]
  const message = `${text} is not in the cache ${cache}. Pull it: npx sluice pull ${text}`
  throw new PullError('not-cached', message)
}

function nameOf(text: string): HubName {
  const name = parseHubName(text)
  if (name === undefined) throw wrong('model', hubNameForm, text)
  return name
}

/** Systems note by themselves that a file is read once a day, or never. */
async function touch(file: string): Promise<void> {
  const { mtime } = await fs.stat(file)
  // A cache that only others may write is as good: then it is not known when it was used.
  await fs.utimes(file, new Date(), mtime).catch(() => undefined)
}
