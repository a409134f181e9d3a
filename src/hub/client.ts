import { PullError, type PullErrorReason } from '../api/errors.js'
import { reasonOf } from '../api/show.js'
import { limitMsOf, Passing } from './patience.js'
import type { HubSettings } from './settings.js'
import { Silence } from './silence.js'

/** An answer, and what the Hub itself said of the file before it sent us to another host. */
export interface Opened {
  readonly response: Response
  /** `X-Linked-Etag` without quotes: of a large file its sha256. */
  readonly linkedEtag: string | undefined
  readonly linkedSize: number | undefined
  /** Ends the connection where nothing comes for too long. The reader tells it of each chunk. */
  readonly silence: Silence
}

const redirectsMax = 10
const redirects = [301, 302, 303, 307, 308]

/** Asks the Hub. Requests only; what is tried again is its caller's business. */
export class HubClient {
  readonly #settings: HubSettings
  readonly #signal: AbortSignal
  readonly #silenceMs: number

  constructor(settings: HubSettings, signal: AbortSignal, silenceMs: number) {
    this.#settings = settings
    this.#signal = signal
    this.#silenceMs = silenceMs
  }

  get host(): string {
    return new URL(this.#settings.endpoint).host
  }

  url(path: string): string {
    return `${this.#settings.endpoint}/${path}`
  }

  /**
   * JSON, and the address of its next page.
   * @throws PullError, Passing
   */
  async json(url: string): Promise<{ value: unknown; next: string | undefined }> {
    const { response, silence } = await this.open(url, { Accept: 'application/json' })
    try {
      const value: unknown = JSON.parse(await response.text())
      return { value, next: nextPage(response.headers.get('link')) }
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw this.#passing(url, cause)
      throw new PullError('bad-answer', `${this.host} answered ${url} with no JSON`, { cause })
    } finally {
      silence.end()
    }
  }

  /**
   * Follows redirects by hand: the token is for the Hub alone, and no host after another one sees
   * it. @throws PullError, Passing
   */
  async open(url: string, headers: Readonly<Record<string, string>>): Promise<Opened> {
    const silence = new Silence(this.#signal, this.#silenceMs)
    try {
      return await this.#followed(url, headers, silence)
    } catch (error) {
      silence.end()
      if (error instanceof PullError || error instanceof Passing) throw error
      throw this.#passing(url, error)
    }
  }

  async #followed(
    url: string,
    headers: Readonly<Record<string, string>>,
    silence: Silence,
  ): Promise<Opened> {
    let at = new URL(url)
    const { origin } = new URL(this.#settings.endpoint)
    let isHub = at.origin === origin
    let linked: Pick<Opened, 'linkedEtag' | 'linkedSize'> | undefined
    for (let count = 0; count <= redirectsMax; count++) {
      const response = await fetch(at, {
        headers: { 'Accept-Encoding': 'identity', ...headers, ...this.#authorization(isHub) },
        redirect: 'manual',
        signal: silence.signal,
      })
      if (isHub) linked = linkedOf(response.headers) ?? linked
      if (!redirects.includes(response.status)) {
        if (response.status === 200 || response.status === 206) {
          return {
            response,
            linkedEtag: linked?.linkedEtag,
            linkedSize: linked?.linkedSize,
            silence,
          }
        }
        throw await this.#failure(at, isHub, response)
      }
      await response.body?.cancel()
      at = this.#redirected(at, response.headers.get('location'))
      isHub = isHub && at.origin === origin
    }
    throw new PullError('bad-answer', `${url} is redirected more than ${redirectsMax} times`)
  }

  #authorization(isHub: boolean): Record<string, string> {
    const { token } = this.#settings
    return isHub && token !== undefined ? { Authorization: `Bearer ${token}` } : {}
  }

  #redirected(from: URL, location: string | null): URL {
    const to = location === null ? undefined : parsed(location, from)
    const isSafe =
      to?.protocol === 'https:' || (to?.protocol === 'http:' && to.protocol === from.protocol)
    if (to !== undefined && isSafe) return to
    const where = location === null ? 'nowhere' : `to ${to?.protocol ?? 'no address'}`
    const message = `${from.host} redirects ${where}; expected an https address`
    throw new PullError('bad-answer', message)
  }

  /** What an answer that is none means. */
  async #failure(at: URL, isHub: boolean, response: Response): Promise<Error> {
    const { status, headers } = response
    await response.body?.cancel()
    const what = `${at.host} answered ${status}`
    if (status === 429) return new Passing(what, { limitMs: limitMsOf(headers) })
    // Addresses on other hosts are signed for a time: a new one is asked for.
    const isPassing = status >= 500 || status === 408 || status === 416 || !isHub
    if (isPassing) return new Passing(what)
    return this.#refusal(at, status, headers)
  }

  #refusal(at: URL, status: number, headers: Headers): PullError {
    const code = headers.get('x-error-code') ?? ''
    const said = headers.get('x-error-message')
    const repo = repoOf(at)
    const what = `${at.host} answered ${status}${said === null ? '' : ` (${said})`}`
    const { token } = this.#settings
    const [reason, advice] = meaningOf(code, status, token !== undefined)
    return new PullError(
      reason,
      `${repo}: ${what}. ${advice(`${this.#settings.endpoint}/${repo}`)}`,
    )
  }

  #passing(url: string, cause: unknown): unknown {
    if (this.#signal.aborted) return cause
    const { host } = new URL(url)
    // Of fetch's own words the cause says what happened.
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    const code = (inner as NodeJS.ErrnoException).code
    const why = reasonOf(inner) || code || 'the connection broke'
    return new Passing(`${host} cannot be reached: ${why}`, { cause })
  }
}

type Meaning = [PullErrorReason, (page: string) => string]

function meaningOf(code: string, status: number, hasToken: boolean): Meaning {
  const askForToken = (page: string) =>
    hasToken
      ? `Accept its terms at ${page} with the account whose token HF_TOKEN is`
      : `Accept its terms at ${page}, and set HF_TOKEN to a token of that account`
  if (code === 'GatedRepo') return ['gated', askForToken]
  if (code === 'RevisionNotFound') {
    return ['revision-not-found', () => 'Check the name behind @: a branch, a tag or a commit']
  }
  if (code === 'EntryNotFound') return ['file-not-found', () => 'Check the name of the file']
  if (status === 404 || code === 'RepoNotFound' || (status === 401 && !hasToken)) {
    const advice =
      'Check the name; of a private repository set HF_TOKEN to a token that may read it'
    return ['repo-not-found', () => advice]
  }
  if (status === 401) {
    return ['unauthorized', () => 'Check HF_TOKEN: the token may be wrong or have ended']
  }
  if (status === 403) {
    return ['unauthorized', (page) => `Check at ${page} what HF_TOKEN's account may read`]
  }
  return ['bad-answer', () => 'Check HF_ENDPOINT: it may be no Hub']
}

function repoOf(url: URL): string {
  const [, repo] = /^(?:.*\/api\/models)?\/([^/]+\/[^/]+)/.exec(url.pathname) ?? []
  return repo ?? url.pathname
}

function parsed(location: string, base: URL): URL | undefined {
  return URL.canParse(location, base.href) ? new URL(location, base) : undefined
}

function linkedOf(headers: Headers): Pick<Opened, 'linkedEtag' | 'linkedSize'> | undefined {
  const etag = headers.get('x-linked-etag')
  if (etag === null) return undefined
  const size = headers.get('x-linked-size')
  return {
    linkedEtag: etag.replace(/^(?:W\/)?"?|"$/g, ''),
    linkedSize: size !== null && /^\d+$/.test(size) ? Number(size) : undefined,
  }
}

/** `<https://...>; rel="next"` */
function nextPage(link: string | null): string | undefined {
  return /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
}
