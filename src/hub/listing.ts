import { PullError } from '../api/errors.js'
import { type HubName, isPathWithin } from '../options/hub-name.js'
import type { HubClient } from './client.js'
import type { Patience } from './patience.js'

/** A file of a repository, and what its content is known by. */
export interface RemoteFile {
  readonly path: string
  readonly size: number
  /** Its name among the cache's blobs: the sum as hexadecimal digits. */
  readonly etag: string
  /** A large file's sum is its sha256; a small one's is git's own sha1. */
  readonly sum: 'sha256' | 'git-sha1'
}

/** Pages of a listing, of a thousand files each. */
const pagesMax = 100
const isCommit = (text: unknown): text is string =>
  typeof text === 'string' && /^[0-9a-f]{40}$/.test(text)

/**
 * The commit that a revision is now.
 * @throws PullError, revision-not-found with the branches and tags that there are
 */
export async function commitOf(
  client: HubClient,
  patience: Patience,
  { repo, revision }: HubName,
): Promise<string> {
  if (isCommit(revision)) return revision
  const url = client.url(`api/models/${repo}/refs`)
  const { value } = await patience.persist(() => client.json(url))
  const { branches, tags } = (value ?? {}) as Record<string, unknown>
  const refs = [branches, tags].flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
  const named = refs.map((ref) => (ref ?? {}) as { name?: unknown; targetCommit?: unknown })
  const commit = named.find(({ name }) => name === revision)?.targetCommit
  if (isCommit(commit)) return commit
  if (!Array.isArray(branches)) throw badAnswer(client, url, 'a list of branches')
  const available = named.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  throw new PullError(
    'revision-not-found',
    `${repo} has no revision ${revision}. It has ${available.join(', ') || 'none'}`,
    { available },
  )
}

/** All files of a commit. @throws PullError */
export async function filesOf(
  client: HubClient,
  patience: Patience,
  repo: string,
  commit: string,
): Promise<RemoteFile[]> {
  const first = client.url(`api/models/${repo}/tree/${commit}?recursive=true`)
  const files: RemoteFile[] = []
  let url: string | undefined = first
  for (let page = 0; url !== undefined; page++) {
    const at: string = url
    // Only the Hub itself may go on with the list: the token goes along.
    if (page === pagesMax || new URL(at).origin !== new URL(first).origin) {
      throw badAnswer(client, at, 'a list that ends on its own host')
    }
    const { value, next } = await patience.persist(() => client.json(at))
    if (!Array.isArray(value)) throw badAnswer(client, at, 'a list of files')
    files.push(...value.flatMap((entry: unknown) => fileOf(entry)))
    url = next === undefined ? undefined : new URL(next, at).href
  }
  return files
}

/** What has no sum, or a path that would leave the cache's folder, is no file for us. */
function fileOf(entry: unknown): RemoteFile[] {
  const { type, path, size, oid, lfs } = (entry ?? {}) as Record<string, unknown>
  if (type !== 'file' || typeof path !== 'string' || !isPathWithin(path)) return []
  const large = (lfs ?? {}) as Record<string, unknown>
  if (isSum(large.oid, 64) && isSize(large.size)) {
    return [{ path, size: large.size, etag: large.oid, sum: 'sha256' }]
  }
  if (!isSum(oid, 40) || !isSize(size)) return []
  return [{ path, size, etag: oid, sum: 'git-sha1' }]
}

function isSum(text: unknown, digits: number): text is string {
  return typeof text === 'string' && text.length === digits && /^[0-9a-f]+$/.test(text)
}

function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && (size as number) >= 0
}

function badAnswer(client: HubClient, url: string, expected: string): PullError {
  const advice = 'Check HF_ENDPOINT: it may be no Hub'
  const message = `${client.host} answered ${url} with something else than ${expected}. ${advice}`
  return new PullError('bad-answer', message)
}
