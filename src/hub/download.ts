import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import fs from 'node:fs/promises'
import { PullError } from '../api/errors.js'
import type { PullProgress } from '../api/pull-types.js'
import { sizeOf } from './cache.js'
import type { HubClient, Opened } from './client.js'
import type { RemoteFile } from './listing.js'
import type { Meter } from './meter.js'
import { Passing, type Patience } from './patience.js'

interface Context {
  readonly client: HubClient
  readonly patience: Patience
  readonly meter: Meter
  readonly tell: (progress: PullProgress) => void
  readonly signal: AbortSignal
}

/**
 * Brings one file's content to its place, from where an earlier try was cut. Its sum is computed
 * as it arrives, with what was there before read first; only content with the right sum gets the
 * name under which it is looked for. Owned by one pull, which holds the file's lock.
 */
export class Download {
  readonly #file: RemoteFile
  readonly #url: string
  readonly #partial: string
  readonly #context: Context
  #have = 0
  /** The most that it ever had: only more than that is progress. */
  #most = 0
  #hash: Hash
  /** Of the body that came last, where it says that it is the same byte for byte. */
  #etag: string | undefined
  /** Whether bytes of an earlier pull are part of it, which only the sum can judge. */
  #hasOldBytes = false

  constructor(file: RemoteFile, url: string, partial: string, context: Context) {
    this.#file = file
    this.#url = url
    this.#partial = partial
    this.#context = context
    this.#hash = hashOf(file)
  }

  /** @throws PullError; what has come stays, but where its sum is wrong */
  async bring(place: string): Promise<void> {
    await this.#takeOver()
    await this.#receiveAll()
    if (!this.#isRight() && this.#hasOldBytes) {
      const message = `what was there of ${this.#file.path} is of no use: it is loaded anew`
      this.#context.tell({ phase: 'note', message })
      await this.#startAnew()
      await this.#receiveAll()
    }
    const came = this.#hash.copy().digest('hex')
    if (came !== this.#file.etag) {
      await fs.rm(this.#partial, { force: true })
      this.#context.meter.correct(-this.#have)
      throw wrongSum(this.#file, came)
    }
    await fs.rename(this.#partial, place)
  }

  /** Goes on with what an earlier pull left: its bytes are part of the sum. */
  async #takeOver(): Promise<void> {
    const { meter, tell, signal } = this.#context
    const size = (await sizeOf(this.#partial)) ?? 0
    if (size > this.#file.size) await fs.truncate(this.#partial, 0)
    if (size === 0 || size > this.#file.size) return
    tell({ phase: 'checking', file: this.#file.path, bytes: size })
    const old = createReadStream(this.#partial, { end: size - 1, highWaterMark: 2 ** 20, signal })
    for await (const chunk of old) {
      this.#hash.update(chunk as Buffer)
      this.#have += (chunk as Buffer).length
    }
    this.#hasOldBytes = true
    meter.correct(this.#have)
  }

  async #startAnew(): Promise<void> {
    this.#context.meter.correct(-this.#have)
    this.#have = 0
    this.#hash = hashOf(this.#file)
    this.#hasOldBytes = false
    this.#etag = undefined
    await fs.truncate(this.#partial, 0)
  }

  #isRight(): boolean {
    return this.#hash.copy().digest('hex') === this.#file.etag
  }

  async #receiveAll(): Promise<void> {
    const target = await fs.open(this.#partial, 'a')
    try {
      await this.#context.patience.persist(async () => {
        if (this.#have < this.#file.size) await this.#receive(target)
      })
      await target.sync() // or a blob could be there, and after a power cut be empty
    } finally {
      await target.close()
    }
  }

  /** One answer's bytes. */
  async #receive(target: fs.FileHandle): Promise<void> {
    const opened = await this.#context.client.open(this.#url, this.#range())
    const { response, silence } = opened
    try {
      this.#checkLinked(opened)
      if (!this.#isContinued(response)) await this.#startAnew()
      this.#etag = strongEtag(response.headers.get('etag'))
      await this.#write(response, target, () => silence.heard())
    } finally {
      silence.end()
    }
    const { size, path } = this.#file
    if (this.#have < size) throw new Passing(`${path} was cut after ${this.#have} of ${size} bytes`)
  }

  #range(): Record<string, string> {
    if (this.#have === 0) return {}
    const range = { Range: `bytes=${this.#have}-` }
    return this.#etag === undefined ? range : { ...range, 'If-Range': this.#etag }
  }

  /** What the Hub says of the file must be what its listing says. */
  #checkLinked({ linkedEtag, linkedSize }: Opened): void {
    const { path, etag, size } = this.#file
    const isOther = linkedEtag !== undefined && /^[0-9a-f]{64}$/.test(linkedEtag)
    if ((isOther && linkedEtag !== etag) || (linkedSize !== undefined && linkedSize !== size)) {
      throw new PullError(
        'bad-answer',
        `${path}: expected ${size} bytes with the sum ${etag}, as the repository lists it, but ` +
          `got ${linkedSize ?? 'some'} bytes with ${linkedEtag}. Try again later`,
      )
    }
  }

  /** Whether the bytes go on where ours end. */
  #isContinued({ status, headers }: Response): boolean {
    if (status === 200) return this.#have === 0
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '')
    const [, from, total] = range ?? []
    const isWhole = total === '*' || Number(total) === this.#file.size
    if (range !== null && Number(from) === this.#have && isWhole) return true
    throw new PullError(
      'bad-answer',
      `${this.#file.path}: expected bytes from ${this.#have} of ${this.#file.size}, but got ` +
        `'${headers.get('content-range')}'. Try again later`,
    )
  }

  async #write(response: Response, target: fs.FileHandle, heard: () => void): Promise<void> {
    const { meter, patience, signal } = this.#context
    const { size, path } = this.#file
    const chunks = (response.body ?? []) as AsyncIterable<Uint8Array>
    for await (const chunk of broken(chunks, signal)) {
      heard()
      if (this.#have + chunk.length > size) {
        throw new PullError('bad-answer', `${path}: more than its ${size} bytes came`)
      }
      await target.writeFile(chunk) // to its end, since it was opened to append
      this.#hash.update(chunk)
      this.#have += chunk.length
      meter.add(path, chunk.length)
      if (this.#have > this.#most) patience.progressed()
      this.#most = Math.max(this.#most, this.#have)
    }
  }
}

/** The same chunks; that the connection breaks is a failure that may pass. */
async function* broken(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const each = chunks[Symbol.asyncIterator]()
  while (true) {
    let next: IteratorResult<Uint8Array>
    try {
      next = await each.next()
    } catch (cause) {
      if (signal.aborted) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new Passing(`the connection broke (${why})`, { cause })
    }
    if (next.done === true) return
    yield next.value
  }
}

function hashOf({ sum, size }: RemoteFile): Hash {
  if (sum === 'sha256') return createHash('sha256')
  return createHash('sha1').update(`blob ${size}\0`)
}

function strongEtag(etag: string | null): string | undefined {
  return etag !== null && /^"[^"]*"$/.test(etag) ? etag : undefined
}

function wrongSum({ path, sum, etag }: RemoteFile, came: string): PullError {
  return new PullError(
    'checksum',
    `${path}: expected the ${sum} ${etag}, but what came has ${came}. It was deleted; try again, ` +
      'and where it happens again, look at what stands between here and the Hub',
  )
}
