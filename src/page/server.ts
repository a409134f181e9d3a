import { eventsOf } from './event-stream.js'
import { keep, kept } from './storage.js'
import type { EngineAnswer, ListedModel, ReplyChunk } from './wire.js'

const keyName = 'sluice-key'
/** Milliseconds for an answer that is no reply: the server has it at once, or is not to be had. */
const answerMs = 10_000

/** What the server said instead of what was asked for, in its words. */
export class ServerError extends Error {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }

  get wantsKey(): boolean {
    return this.status === 401
  }
}

/** The connection ended before the reply did. */
export class BrokenOff extends Error {
  constructor() {
    super('The connection broke off.')
  }
}

/**
 * The server that this page came from. Its key is kept in the tab alone (sessionStorage): it
 * outlives a reload, goes with the tab, and no other tab has it.
 */
export class Server {
  /** The page stands at the root of the routes, whatever is in front of that. */
  readonly #base = new URL(location.origin + location.pathname.replace(/\/*$/, '/'))
  #key = keyOfAddress() ?? kept(keyName) ?? ''

  get hasKey(): boolean {
    return this.#key !== ''
  }

  useKey(key: string): void {
    this.#key = key
    keep(keyName, key)
  }

  /** All names that requests may say. */
  async models(): Promise<ListedModel[]> {
    const { data } = await this.#get<{ data: ListedModel[] }>('v1/models')
    return data
  }

  engine(signal?: AbortSignal): Promise<EngineAnswer> {
    return this.#get('engine', signal)
  }

  /** What the model does where a request says nothing. */
  async defaultsOf(model: string): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#get<{
      default_generation_settings: { params: Record<string, unknown> }
    }>(`props?model=${encodeURIComponent(model)}`)
    return answer.default_generation_settings.params
  }

  /**
   * A reply, chunk by chunk. Rejects with a ServerError for what the server says is wrong, with
   * BrokenOff where it says no more, and with the signal's reason.
   */
  async *reply(request: object, signal: AbortSignal): AsyncGenerator<ReplyChunk> {
    const response = await this.#fetch('v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal,
    })
    if (response.body === null) throw new BrokenOff()
    try {
      for await (const data of eventsOf(response.body)) {
        if (data === '[DONE]') return
        const chunk = JSON.parse(data) as ReplyChunk
        if (chunk.error !== undefined) throw new ServerError(chunk.error.message, 0)
        yield chunk
      }
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof ServerError ? error : new BrokenOff()
    }
    throw new BrokenOff()
  }

  /** Rejects with a ServerError, also where what came is no answer of this API's. */
  async #get<T>(path: string, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    // Not AbortSignal.any(), which browsers of 2023 have not.
    const abort = new AbortController()
    const end = () => abort.abort()
    const late = setTimeout(end, answerMs)
    signal?.addEventListener('abort', end)
    try {
      const response = await this.#fetch(path, { signal: abort.signal })
      return (await response.json()) as T
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof ServerError) throw error
      throw new ServerError(`The server at ${location.host} does not answer as it should.`, 0)
    } finally {
      clearTimeout(late)
      signal?.removeEventListener('abort', end)
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    // Others cannot be sent, so they are no key of this server either.
    if (/[^\x20-\x7e]/.test(this.#key)) throw new ServerError('That is no key.', 401)
    if (this.hasKey) headers.set('authorization', `Bearer ${this.#key}`)
    const response = await fetch(new URL(path, this.#base), { ...init, headers }).catch(() => {
      init.signal?.throwIfAborted()
      throw new ServerError(`The server at ${location.host} cannot be reached.`, 0)
    })
    if (response.ok) return response
    throw new ServerError(await messageOf(response), response.status)
  }
}

/** An error's words, or its status where something in front of the server answers. */
async function messageOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } }
    if (typeof error?.message === 'string') return error.message
  } catch {
    return `The server answered ${response.status} ${response.statusText}`.trim()
  }
  return `The server answered ${response.status}`
}

/** A key behind the #, which a browser sends to nobody. It is taken out of the address at once. */
function keyOfAddress(): string | undefined {
  const key = new URLSearchParams(location.hash.slice(1)).get('key')
  if (key === null) return undefined
  history.replaceState(null, '', location.href.replace(/#.*/s, ''))
  keep(keyName, key)
  return key
}
