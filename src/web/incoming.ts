import { randomUUID } from 'node:crypto'

/** Names in lower case, as Node has them. */
export type CallHeaders = Readonly<Record<string, string | undefined>>

/** A request as its adapter knows it. */
export interface Incoming {
  readonly method: string
  /** What its first line asks for: a path with a query string, or a whole URL. */
  readonly target: string
  readonly headers: CallHeaders
  /** The values of all its Host headers. */
  readonly hosts: readonly string[]
  /** The address of this machine that it came to, where that is known. */
  readonly localAddress: string | undefined
  /** Whether it has an Expect header that nobody here meets. */
  readonly isExpectingMore: boolean
  /** Reads its JSON body, or throws what is wrong with that. */
  readBody(signal: AbortSignal): Promise<Uint8Array>
}

/** What a request is about: by its path alone, or, as proxies are asked, with the host in front. */
interface Target {
  readonly path: string
  /** Of the absolute form, which goes before the Host header. */
  readonly host: string | undefined
}

const absoluteForm = /^https?:\/\/([^/?#]*)([^?#]*)/i

/** @param target what the request's first line asks for */
export function targetOf(target: string): Target {
  const absolute = absoluteForm.exec(target)
  if (absolute !== null) return { path: absolute[2] || '/', host: absolute[1] ?? '' }
  return { path: target.split(/[?#]/, 1)[0] ?? '', host: undefined }
}

/** Without what clients that join addresses by hand put in: slashes twice, and at the end. */
export function plainPath(path: string): string {
  const single = path.replace(/\/{2,}/g, '/')
  return single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single
}

/** The client's own x-request-id where it is a plain word, so that traces join; else a new one. */
export function requestIdOf(headers: CallHeaders): string {
  const given = headers['x-request-id']
  if (typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given)) return given
  return newRequestId()
}

export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`
}
