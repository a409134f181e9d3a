import { createHash } from 'node:crypto'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

// A Hugging Face Hub on loopback that speaks the real one's protocol: refs, tree and resolve on one
// host, and the bytes of large files on another, to which it redirects with an address that is
// signed. Where a test wants a fault, it says so in `faults`.

interface HubRepo {
  /** Of `main`. */
  commit: string
  /** Paths and contents; those that end with .gguf are LFS files, others git's own. */
  files: Map<string, Buffer>
  /** What a token must be to see the repository. */
  token?: string
  /** Who sees it and may not have its files. */
  isGated?: boolean
}

interface HubRequest {
  host: 'hub' | 'storage'
  path: string
  headers: http.IncomingHttpHeaders
  status: number
}

/** What happens to the next request that it fits. */
export interface Fault {
  on: 'refs' | 'tree' | 'resolve' | 'storage'
  /** An answer in the place of the right one. */
  status?: number
  headers?: Record<string, string>
  /** Bytes of the body after which the connection is closed. */
  cutAfter?: number
  /** What is sent in the place of the file's bytes, of the same length. */
  garbage?: boolean
  /** So many bytes more than the file has. */
  extra?: number
  /** Nothing is ever answered. */
  silent?: boolean
  /** Range is passed over, as by a host that has none. */
  ignoresRange?: boolean
}

/** How a body is sent: in pieces of so many bytes. */
interface Pace {
  bytes: number
  /** After each piece. */
  ms: number
  /** Before that, what is waited for; given up where the reader has left. */
  until?: () => boolean
}

export const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
const gitSha1 = (data: Buffer) =>
  createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex')

export class LoopbackHub {
  readonly repos = new Map<string, HubRepo>()
  readonly requests: HubRequest[] = []
  readonly faults: Fault[] = []
  /** Null sends all at once. */
  pace: Pace | null = null
  /** Of bodies, by the storage. */
  sentBytes = 0
  /** Bodies that were cut because a fault said so. */
  cuts = 0
  /** What redirects say of a file in the place of its sha256. */
  readonly linkedSums = new Map<string, string>()
  readonly #hub = http.createServer((req, res) => this.#answer('hub', req, res))
  readonly #storage = http.createServer((req, res) => this.#answer('storage', req, res))

  static async start(): Promise<LoopbackHub> {
    const hub = new LoopbackHub()
    // Where localhost has two addresses, a busy machine may answer for the right one too late.
    net.setDefaultAutoSelectFamilyAttemptTimeout(60_000)
    await new Promise<void>((resolve) => hub.#hub.listen(0, '127.0.0.1', resolve))
    await new Promise<void>((resolve) => hub.#storage.listen(0, 'localhost', resolve))
    return hub
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }

  /** @returns its commit */
  put(repo: string, files: Record<string, Buffer>, more: Partial<HubRepo> = {}): string {
    const commit = createHash('sha1')
      .update(JSON.stringify([repo, Object.keys(files)]))
      .digest('hex')
    this.repos.set(repo, { commit, files: new Map(Object.entries(files)), ...more })
    return commit
  }

  /** Requests for a file's bytes. */
  get fetches(): HubRequest[] {
    return this.requests.filter(({ host }) => host === 'storage')
  }

  #answer(host: HubRequest['host'], req: http.IncomingMessage, res: http.ServerResponse): void {
    const path = req.url ?? ''
    const entry = { host, path, headers: req.headers, status: 0 }
    this.requests.push(entry)
    res.once('close', () => {
      entry.status = res.statusCode
    })
    const fault = this.#faultOf(host, path)
    if (fault?.silent) return
    if (fault?.status !== undefined) {
      res.writeHead(fault.status, fault.headers).end('a fault')
    } else if (host === 'storage') {
      void this.#send(req, res, fault)
    } else {
      this.#hubAnswer(req, res)
    }
  }

  #faultOf(host: HubRequest['host'], path: string): Fault | undefined {
    const kind = /\/api\/models\/[^/]+\/[^/]+\/(refs|tree)|\/(resolve)\//.exec(path)
    const on = host === 'storage' ? 'storage' : (kind?.[1] ?? kind?.[2])
    const index = this.faults.findIndex((fault) => fault.on === on)
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]
  }

  #hubAnswer(req: http.IncomingMessage, res: http.ServerResponse): void {
    const url = new URL(req.url ?? '', this.endpoint)
    const [, name = '', rest = ''] =
      /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(.*)$/.exec(url.pathname) ?? []
    const repo = this.repos.get(name)
    const token = req.headers.authorization?.replace('Bearer ', '')
    if (repo === undefined || (repo.token !== undefined && repo.token !== token)) {
      const status = token === undefined ? 401 : 404
      res.writeHead(status, { 'X-Error-Code': 'RepoNotFound' }).end()
    } else if (rest === 'refs') {
      json(res, { tags: [], converts: [], branches: [branch(repo.commit)] })
    } else if (rest === `tree/${repo.commit}`) {
      this.#tree(url, repo, res)
    } else if (rest.startsWith(`resolve/${repo.commit}/`)) {
      this.#resolve(repo, decodeURIComponent(rest.slice(`resolve/${repo.commit}/`.length)), res)
    } else {
      res.writeHead(404, { 'X-Error-Code': 'RevisionNotFound' }).end()
    }
  }

  /** Two files a page, so that a list is paged. */
  #tree(url: URL, repo: HubRepo, res: http.ServerResponse): void {
    const from = Number(url.searchParams.get('cursor') ?? 0)
    const all = [...repo.files].map(([path, data]) => {
      const large = { oid: sha256(data), size: data.length }
      const lfs = path.endsWith('.gguf') ? { lfs: { ...large, pointerSize: 130 } } : {}
      return { type: 'file', oid: gitSha1(data), size: data.length, path, ...lfs }
    })
    url.searchParams.set('cursor', String(from + 2))
    const link = from + 2 < all.length ? { Link: `<${url.href}>; rel="next"` } : {}
    json(res, all.slice(from, from + 2), link)
  }

  #resolve(repo: HubRepo, path: string, res: http.ServerResponse): void {
    const data = repo.files.get(path)
    if (repo.isGated) {
      const headers = { 'X-Error-Code': 'GatedRepo', 'X-Error-Message': 'Access is restricted' }
      res.writeHead(403, headers).end()
    } else if (data === undefined) {
      res.writeHead(404, { 'X-Error-Code': 'EntryNotFound' }).end()
    } else if (!path.endsWith('.gguf')) {
      res.writeHead(200, { ETag: `"${gitSha1(data)}"`, 'Content-Length': data.length }).end(data)
    } else {
      const { port } = this.#storage.address() as AddressInfo
      const sum = this.linkedSums.get(path) ?? sha256(data)
      const place = [...this.repos].find(([, one]) => one === repo)?.[0]
      res.writeHead(302, {
        Location: `http://localhost:${port}/${place}/${encodeURIComponent(path)}?signature=1`,
        'X-Repo-Commit': repo.commit,
        'X-Linked-Size': data.length,
        'X-Linked-Etag': `"${sum}"`,
      })
      res.end()
    }
  }

  async #send(req: http.IncomingMessage, res: http.ServerResponse, fault?: Fault): Promise<void> {
    const { pathname } = new URL(req.url ?? '', this.endpoint)
    const [, repo = '', path = ''] = /^\/([^/]+\/[^/]+)\/(.*)$/.exec(pathname) ?? []
    const whole = this.repos.get(repo)?.files.get(decodeURIComponent(path)) ?? Buffer.alloc(0)
    const etag = `"storage-${sha256(whole).slice(0, 16)}"`
    const isSame = [undefined, etag].includes(req.headers['if-range'] as string | undefined)
    const ranged = fault?.ignoresRange || !isSame ? undefined : req.headers.range
    const from = Number(/^bytes=(\d+)-$/.exec(ranged ?? '')?.[1] ?? 0)
    if (from >= whole.length) {
      res.writeHead(416, { 'Content-Range': `bytes */${whole.length}` }).end()
      return
    }
    const right = fault?.garbage ? Buffer.alloc(whole.length - from, 7) : whole.subarray(from)
    const body = Buffer.concat([right, Buffer.alloc(fault?.extra ?? 0)])
    res.writeHead(ranged === undefined ? 200 : 206, {
      ETag: etag,
      'Content-Length': body.length,
      'Accept-Ranges': 'bytes',
      ...(ranged === undefined
        ? {}
        : { 'Content-Range': `bytes ${from}-${whole.length - 1}/${whole.length}` }),
    })
    await this.#write(res, body, fault?.cutAfter)
  }

  async #write(res: http.ServerResponse, body: Buffer, cutAfter = body.length): Promise<void> {
    const end = Math.min(cutAfter, body.length)
    for (let at = 0; at < end && !res.destroyed; ) {
      const { bytes, ms, until = () => true } = this.pace ?? { bytes: body.length, ms: 0 }
      const piece = body.subarray(at, Math.min(at + bytes, end))
      at += piece.length
      await new Promise((resolve) => {
        res.write(piece, resolve) // called with an error where the reader has left
      })
      this.sentBytes += piece.length
      while (!until() && !res.destroyed) await sleep(1)
      if (ms > 0) await sleep(ms)
    }
    if (end < body.length && !res.destroyed) this.cuts++
    if (end < body.length) res.destroy()
    else res.end()
  }
}

function branch(commit: string) {
  return { name: 'main', ref: 'refs/heads/main', targetCommit: commit }
}

function json(
  res: http.ServerResponse,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  res.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value))
}
