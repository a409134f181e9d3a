import fs from 'node:fs/promises'
import path from 'node:path'
import { PullError } from '../api/errors.js'
import { type HubName, hubNameOf } from '../options/hub-name.js'
import { absent, cachedRepos, RepoCache } from './cache.js'
import type { LockFile } from './lock.js'
import { choose, labelOf, type ModelFiles, modelsOf } from './quants.js'

/** A model of the cache, or what is there of models that are not whole. */
export interface CachedModel {
  readonly name: string
  readonly repo: string
  readonly commit: string
  /** Null where its file's name has none. */
  readonly quant: string | null
  readonly bytes: number
  /** By the file's times, which systems write now and then only. */
  readonly lastUsed: Date
  /** For `load({ model })`. */
  readonly path: string
  /** Paths in the snapshot, and the content that they stand for. */
  readonly files: readonly { readonly path: string; readonly content: string }[]
}

/** Bytes of downloads that are not done. */
export interface Unfinished {
  readonly repo: string
  readonly bytes: number
}

/** Reads folders only. Other kinds of files in the cache are other tools'. */
export async function cachedModels(cache: string): Promise<CachedModel[]> {
  const repos = await cachedRepos(cache)
  const found = await Promise.all(repos.map((repo) => modelsOfRepo(repo, cache)))
  return found.flat()
}

export async function unfinished(cache: string): Promise<Unfinished[]> {
  const repos = await cachedRepos(cache)
  const found = await Promise.all(
    repos.map(async (repo) => {
      const partials = await partialsOf(new RepoCache(cache, repo))
      return { repo, bytes: partials.reduce((sum, { size }) => sum + size, 0) }
    }),
  )
  return found.filter(({ bytes }) => bytes > 0)
}

/** The commit that `main` was when it was pulled comes first; what it has too is told once. */
async function modelsOfRepo(repo: string, cache: string): Promise<CachedModel[]> {
  const folder = new RepoCache(cache, repo)
  const models: CachedModel[] = []
  for (const commit of await folder.commits('main')) {
    const files = await folder.files(commit)
    const all = modelsOf(files)
    for (const model of all.filter(({ isPartial }) => !isPartial)) {
      const hasPlainName = models.every((other) => other.files[0]?.path !== model.files[0])
      const revision = hasPlainName ? 'main' : commit
      const name = { repo, revision, hasRevision: !hasPlainName }
      const whole = hubNameOf(name, labelOf(model, all))
      const cached = await described(folder, commit, model, whole, repo)
      if (!models.some((other) => isSame(other, cached))) models.push(cached)
    }
  }
  return models
}

async function described(
  folder: RepoCache,
  commit: string,
  { files, quant }: ModelFiles,
  name: string,
  repo: string,
): Promise<CachedModel> {
  const found = await Promise.all(
    files.map(async (file) => {
      const place = path.join(folder.snapshot(commit), file)
      const [content, stat] = await Promise.all([fs.realpath(place), fs.stat(place)])
      return { path: file, content, stat }
    }),
  )
  const used = found.map(({ stat }) => Math.max(stat.atimeMs, stat.mtimeMs))
  return {
    name,
    repo,
    commit,
    quant: quant ?? null,
    bytes: found.reduce((sum, { stat }) => sum + stat.size, 0),
    lastUsed: new Date(Math.max(...used)),
    path: path.join(folder.snapshot(commit), files[0] ?? ''),
    files: found.map(({ path, content }) => ({ path, content })),
  }
}

function isSame(a: CachedModel, b: CachedModel): boolean {
  return a.files[0]?.path === b.files[0]?.path && a.files[0]?.content === b.files[0]?.content
}

/**
 * The models of the cache that a name means: of a name without quant or file all of its
 * repository's, where there is one or `all` is asked for.
 * @throws PullError: not-cached, ambiguous
 */
export async function meantBy(
  name: HubName,
  cache: string,
  all: boolean,
): Promise<readonly CachedModel[]> {
  const ofRepo = (await cachedModels(cache)).filter(({ repo }) => repo === name.repo)
  const folder = new RepoCache(cache, name.repo)
  const commit = name.hasRevision ? await folder.ref(name.revision) : undefined
  const known = ofRepo.filter((model) => !name.hasRevision || model.commit === commit)
  const available = known.map((model) => model.name)
  if (name.quant === undefined && name.file === undefined) {
    if (known.length <= 1 || all) return known
    const message = `${name.repo} has ${known.length} models in the cache: ${available.join(', ')}`
    throw new PullError('ambiguous', `${message}. Name one, or give --all`, { available })
  }
  const paths = known.flatMap(({ files }) => files.map((file) => file.path))
  const { files } = choose(name, [...new Set(paths)])
  return known.filter((model) => model.files.some((file) => files.includes(file.path)))
}

/** Takes a model out of the cache. @returns the bytes that were freed */
export async function removeModel(model: CachedModel, cache: string): Promise<number> {
  const folder = new RepoCache(cache, model.repo)
  const contents = new Set(model.files.map(({ content }) => content))
  for (const commit of await folder.commits('main')) {
    for (const file of await folder.files(commit)) {
      const place = path.join(folder.snapshot(commit), file)
      const content = await fs.realpath(place)
      const isMeant = model.files.some((one) => one.path === file && one.content === content)
      if (isMeant) await fs.rm(place, { force: true })
      else contents.delete(content) // another file is the same
    }
    await removeEmpty(folder.snapshot(commit))
  }
  for (const content of contents) await fs.rm(content, { force: true })
  return contents.size === 0 ? 0 : model.bytes
}

/**
 * Takes what is left of downloads that nobody goes on with, and the repository's folder where
 * nothing else is in it. @returns the bytes that were freed
 */
export async function removeRest(repo: string, cache: string, lockFile: LockFile): Promise<number> {
  const folder = new RepoCache(cache, repo)
  let freed = 0
  let isBusy = false
  for (const { place, etag, size } of await partialsOf(folder)) {
    await fs.mkdir(folder.locks, { recursive: true })
    const release = lockFile(folder.lock(etag))
    isBusy ||= release === null
    if (release === null) continue // another process loads it now
    await fs.rm(place, { force: true })
    freed += size
    release()
  }
  const commits = await folder.commits('main')
  const rest = await Promise.all(commits.map((commit) => folder.files(commit)))
  if (isBusy || rest.some((files) => files.length > 0)) return freed
  await fs.rm(folder.folder, { recursive: true, force: true })
  await fs.rm(folder.locks, { recursive: true, force: true })
  return freed
}

interface Partial {
  readonly place: string
  readonly etag: string
  readonly size: number
}

async function partialsOf(folder: RepoCache): Promise<Partial[]> {
  const names = (await fs.readdir(folder.blobs).catch(absent)) ?? []
  const found = await Promise.all(
    names.map(async (name) => {
      const [, etag] = /^([0-9a-f]{40}|[0-9a-f]{64})\b.*\.incomplete$/.exec(name) ?? []
      if (etag === undefined) return []
      const place = path.join(folder.blobs, name)
      const stat = await fs.stat(place).catch(absent)
      return stat === undefined ? [] : [{ place, etag, size: stat.size }]
    }),
  )
  return found.flat()
}

/** Folders with nothing in them, this one too. */
async function removeEmpty(folder: string): Promise<void> {
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch(absent)
  for (const entry of entries ?? []) {
    if (entry.isDirectory()) await removeEmpty(path.join(folder, entry.name))
  }
  const left = (await fs.readdir(folder).catch(absent)) ?? []
  if (left.length === 0) await fs.rm(folder, { recursive: true, force: true })
}
