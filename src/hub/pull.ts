import fs from 'node:fs/promises'
import { PullError } from '../api/errors.js'
import type { PullProgress, PullResult } from '../api/pull-types.js'
import { reasonOf } from '../api/show.js'
import type { HubName } from '../options/hub-name.js'
import { RepoCache, sizeOf } from './cache.js'
import { HubClient } from './client.js'
import { Download } from './download.js'
import { type FoundModel, findCached, wholeName } from './find.js'
import { commitOf, filesOf, type RemoteFile } from './listing.js'
import { type LockFile, locked } from './lock.js'
import { Meter } from './meter.js'
import { Patience, type Timing, usualTiming } from './patience.js'
import { choose, isProjector } from './quants.js'
import type { HubSettings } from './settings.js'

interface PullContext {
  readonly settings: HubSettings
  readonly lockFile: LockFile
  readonly tell: (progress: PullProgress) => void
  readonly signal: AbortSignal
  readonly timing?: Partial<Timing>
}

/** What a repository has of the model that is meant. */
interface Remote {
  readonly name: string
  readonly commit: string
  readonly files: readonly RemoteFile[]
  readonly notes: readonly string[]
}

/**
 * Brings a model into the cache; what is there already is not loaded again. Each pull asks the Hub
 * what the revision is now.
 * @throws PullError; what the signal says
 */
export async function pullModel(name: HubName, context: PullContext): Promise<PullResult> {
  const { settings, signal } = context
  if (settings.isOffline) return offline(name, settings)
  const timing = { ...usualTiming, ...context.timing }
  const client = new HubClient(settings, signal, timing.silenceMs)
  const notes: string[] = []
  const tell = (progress: PullProgress): void => {
    if (progress.phase === 'note') notes.push(progress.message)
    context.tell(progress)
  }
  const patience = new Patience(timing, client.host, tell, signal)
  const remote = await remoteOf(name, client, patience).catch((error: unknown) =>
    orCached(error, name, settings),
  )
  if ('came' in remote) {
    tell({ phase: 'note', message: `${remote.message}; the model in the cache is taken` })
    return { ...resultOf(remote.came), bytes: await bytesOf(remote.came), notes }
  }
  for (const message of remote.notes) tell({ phase: 'note', message })
  const pull = new Pull(name, remote, { ...context, tell, timing, client, patience })
  return { ...(await pull.run()), notes }
}

async function remoteOf(name: HubName, client: HubClient, patience: Patience): Promise<Remote> {
  const commit = await commitOf(client, patience, name)
  const files = await filesOf(client, patience, name.repo, commit)
  const paths = files.map(({ path }) => path)
  const model = choose(name, paths)
  if (model.isPartial) {
    const [first = ''] = model.files
    const message = `${name.repo} has ${model.files.length} files of ${first}, and not all`
    throw new PullError('file-not-found', `${message}. Take another quant`)
  }
  const projectors = paths.filter(isProjector)
  const note = `not pulled: ${projectors.join(', ')}, for images, which Sluice does not take`
  return {
    name: wholeName(name, model, paths),
    commit,
    // In the model's order, the first part first, however the Hub lists them.
    files: model.files.flatMap((file) => files.filter(({ path }) => path === file)),
    notes: projectors.length === 0 ? [] : [note],
  }
}

/** Where the Hub cannot be reached, what is in the cache is better than nothing. */
async function orCached(error: unknown, name: HubName, { cache }: HubSettings) {
  if (!(error instanceof PullError) || error.reason !== 'unreachable') throw error
  const came = await findCached(name, cache)
  if (came === undefined) throw error
  return { came, message: error.message }
}

async function offline(name: HubName, { cache }: HubSettings): Promise<PullResult> {
  const found = await findCached(name, cache)
  if (found !== undefined) {
    return { ...resultOf(found), bytes: await bytesOf(found), notes: [] }
  }
  throw new PullError(
    'offline',
    `${name.repo}: expected the model in ${cache}, since HF_HUB_OFFLINE is set, but it is not ` +
      'there. Unset HF_HUB_OFFLINE to download it',
  )
}

function resultOf({ name, files, commit }: FoundModel) {
  return { name, path: files[0] ?? '', files, downloadedBytes: 0, revision: commit }
}

async function bytesOf({ files }: FoundModel): Promise<number> {
  const sizes = await Promise.all(files.map(sizeOf))
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0)
}

type OwnContext = Required<PullContext> & {
  readonly timing: Timing
  readonly client: HubClient
  readonly patience: Patience
}

/** The files of one model, one after another. */
class Pull {
  readonly #name: HubName
  readonly #remote: Remote
  readonly #context: OwnContext
  readonly #repo: RepoCache

  constructor(name: HubName, remote: Remote, context: OwnContext) {
    this.#name = name
    this.#remote = remote
    this.#context = context
    this.#repo = new RepoCache(context.settings.cache, name.repo)
  }

  async run(): Promise<Omit<PullResult, 'notes'>> {
    const { name, commit, files } = this.#remote
    try {
      await this.#repo.prepare()
      const missing = await this.#missing()
      const totalBytes = sumOf(files)
      const missingBytes = sumOf(missing)
      this.#context.tell({ phase: 'found', name, totalBytes, missingBytes })
      await this.#checkRoom(missing)
      const meter = new Meter(totalBytes, totalBytes - missingBytes, this.#context.tell)
      const places: string[] = []
      for (const file of files) {
        const before = meter.came
        places.push(await this.#place(file, meter))
        // Another process has brought it meanwhile.
        if (missing.includes(file) && meter.came === before) meter.correct(file.size)
      }
      await this.#repo.setRef(this.#name.revision, commit)
      const [path = ''] = places
      const sums = { bytes: totalBytes, downloadedBytes: meter.came }
      return { name, path, files: places, ...sums, revision: commit }
    } catch (error) {
      throw this.#context.signal.aborted ? error : this.#ofDisk(error)
    }
  }

  async #missing(): Promise<RemoteFile[]> {
    const isThere = await Promise.all(
      this.#remote.files.map(async ({ path, etag, size }) => {
        const linked = await this.#repo.file(this.#remote.commit, path, size)
        return linked !== undefined || (await sizeOf(this.#repo.blob(etag))) === size
      }),
    )
    return this.#remote.files.filter((_, i) => !isThere[i])
  }

  async #checkRoom(missing: readonly RemoteFile[]): Promise<void> {
    const { cache } = this.#context.settings
    const partials = await Promise.all(missing.map(({ etag }) => sizeOf(this.#repo.partial(etag))))
    const come = partials.reduce<number>((sum, size) => sum + (size ?? 0), 0)
    const needed = sumOf(missing) - come
    const { bavail, bsize } = await fs.statfs(cache)
    if (needed <= bavail * bsize) return
    throw new PullError(
      'disk-full',
      `${this.#remote.name} needs ${inMegabytes(needed)} more in ${cache}, and ` +
        `${inMegabytes(bavail * bsize)} are free. Make room (sluice list, sluice rm), or set ` +
        'HF_HUB_CACHE to another disk',
    )
  }

  /** @returns where the file is in the snapshot */
  async #place(file: RemoteFile, meter: Meter): Promise<string> {
    const { commit } = this.#remote
    const { lockFile, timing, tell, signal } = this.#context
    const linked = await this.#repo.file(commit, file.path, file.size)
    if (linked !== undefined) return linked
    const waiter = { lockFile, pollMs: timing.lockPollMs, tell, signal }
    const release = await locked(this.#repo.lock(file.etag), file.path, waiter)
    try {
      const done = await this.#repo.file(commit, file.path, file.size) // who had the lock did it
      if (done !== undefined) return done
      const blob = this.#repo.blob(file.etag)
      if ((await sizeOf(blob)) !== file.size) await this.#download(file, meter)
      return await this.#repo.link(commit, file.path, file.etag)
    } finally {
      release()
    }
  }

  async #download(file: RemoteFile, meter: Meter): Promise<void> {
    const { client } = this.#context
    const at = `${this.#name.repo}/resolve/${this.#remote.commit}`
    const url = client.url(`${at}/${file.path.split('/').map(encodeURIComponent).join('/')}`)
    const { etag } = file
    const download = new Download(file, url, this.#repo.partial(etag), { ...this.#context, meter })
    await download.bring(this.#repo.blob(etag))
  }

  /** What the system says of the cache's disk. */
  #ofDisk(error: unknown): unknown {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (error instanceof PullError || syscall === undefined) return error
    const { cache } = this.#context.settings
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      const advice = 'Make room and pull again: what has come is kept'
      const message = `${cache}: its disk is full (${code}). ${advice}`
      return new PullError('disk-full', message, { cause: error })
    }
    const advice = 'Set HF_HUB_CACHE to a folder that can be written'
    const message = `the cache ${cache} cannot be used: ${reasonOf(error)}. ${advice}`
    return new PullError('cache', message, { cause: error })
  }
}

function sumOf(files: readonly RemoteFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}

function inMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`
}
