import { randomUUID } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'

/**
 * The folder of one repository in the Hub's cache, as its own client lays it out:
 *
 *     models--OWNER--REPO/blobs/ETAG                  each file's content, by its sum
 *     models--OWNER--REPO/snapshots/COMMIT/PATH       a link to its blob; on a system without
 *                                                     links the file itself
 *     models--OWNER--REPO/refs/REVISION               the commit that it was when last asked
 *     .locks/models--OWNER--REPO/ETAG.lock            held while the blob is made
 */
export class RepoCache {
  readonly folder: string
  readonly #locks: string

  constructor(cache: string, repo: string) {
    const name = `models--${repo.replaceAll('/', '--')}`
    this.folder = path.join(cache, name)
    this.#locks = path.join(cache, '.locks', name)
  }

  get snapshots(): string {
    return path.join(this.folder, 'snapshots')
  }

  get blobs(): string {
    return path.join(this.folder, 'blobs')
  }

  get locks(): string {
    return this.#locks
  }

  snapshot(commit: string): string {
    return path.join(this.snapshots, commit)
  }

  blob(etag: string): string {
    return path.join(this.blobs, etag)
  }

  /** Of a blob on its way. */
  partial(etag: string): string {
    return `${this.blob(etag)}.incomplete`
  }

  lock(etag: string): string {
    return path.join(this.#locks, `${etag}.lock`)
  }

  /** Makes the folders that a file needs. */
  async prepare(): Promise<void> {
    for (const folder of [this.blobs, this.snapshots, this.#locks]) {
      await fs.mkdir(folder, { recursive: true })
    }
  }

  /** Where a file of a commit is, if it is there whole. */
  async file(commit: string, file: string, size?: number): Promise<string | undefined> {
    const place = path.join(this.snapshot(commit), file)
    const found = await sizeOf(place)
    return found !== undefined && (size === undefined || found === size) ? place : undefined
  }

  /** Puts a blob into a commit's snapshot. @returns the file's path there */
  async link(commit: string, file: string, etag: string): Promise<string> {
    const place = path.join(this.snapshot(commit), file)
    await fs.mkdir(path.dirname(place), { recursive: true })
    await fs.rm(place, { force: true })
    const target = path.relative(path.dirname(place), this.blob(etag))
    try {
      await fs.symlink(target, place)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return place // another pull was as fast
      if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'].includes(code)) throw error
      await fs.rename(this.blob(etag), place)
    }
    return place
  }

  /** The commit that a revision was when it was last asked for. */
  async ref(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision
    const text = await fs.readFile(path.join(this.folder, 'refs', revision), 'utf8').catch(absent)
    return text === undefined ? undefined : /^[0-9a-f]{40}$/.exec(text.trim())?.[0]
  }

  async setRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.ref(revision)) === commit) return
    const place = path.join(this.folder, 'refs', revision)
    await fs.mkdir(path.dirname(place), { recursive: true })
    const next = `${place}.${randomUUID()}`
    await fs.writeFile(next, commit)
    await fs.rename(next, place)
  }

  /** The commits of which there are files: the one of `revision` first, then the latest. */
  async commits(revision: string): Promise<string[]> {
    const names = (await fs.readdir(this.snapshots).catch(absent)) ?? []
    const dated = await Promise.all(
      names.map(async (name) => {
        const stat = await fs.stat(this.snapshot(name)).catch(absent)
        return { name, at: stat?.isDirectory() ? stat.mtimeMs : -1 }
      }),
    )
    const first = await this.ref(revision)
    const latest = dated.filter(({ at }) => at >= 0).sort((a, b) => b.at - a.at)
    const all = latest.map(({ name }) => name)
    return all.includes(first ?? '')
      ? [first as string, ...all.filter((one) => one !== first)]
      : all
  }

  /** Paths of a commit's files whose content is there. */
  async files(commit: string): Promise<string[]> {
    const root = this.snapshot(commit)
    const names = (await fs.readdir(root, { recursive: true }).catch(absent)) ?? []
    const found = await Promise.all(
      names.map(async (name) => {
        const stat = await fs.stat(path.join(root, name)).catch(absent) // follows the link
        return stat?.isFile() ? [name.split(path.sep).join('/')] : []
      }),
    )
    return found.flat().sort()
  }
}

/** Names of the cache's repositories of models: `owner/repo`. */
export async function cachedRepos(cache: string): Promise<string[]> {
  const names = (await fs.readdir(cache).catch(absent)) ?? []
  const repos = names.flatMap((name) => /^models--(.+)$/.exec(name)?.[1] ?? [])
  return repos.map((name) => name.replaceAll('--', '/')).sort()
}

/** Of a file, its link followed; undefined where it is none. */
export async function sizeOf(place: string): Promise<number | undefined> {
  const stat = await fs.stat(place).catch(absent)
  return stat?.isFile() ? stat.size : undefined
}

/** For `catch`: what is not there is undefined. Other errors stay. */
export function absent(error: unknown): undefined {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  throw error
}
