/** What a request is about: by its path alone, or, as proxies are asked, with the host in front. */
export interface Target {
  /** Without its query string, in its plain form. */
  readonly path: string
  /** Of the absolute form, which goes before the Host header. */
  readonly host: string | undefined
  /** Its query string, without the question mark. */
  readonly query?: string
}

const absoluteForm = /^https?:\/\/([^/?#]*)([^?#]*)/i

/** @param target what the request's first line asks for */
export function targetOf(target: string): Target {
  const absolute = absoluteForm.exec(target)
  const [, query = ''] = /^[^?#]*\?([^#]*)/.exec(target) ?? []
  if (absolute !== null) {
    return { path: plainPath(absolute[2] || '/'), host: absolute[1] ?? '', query }
  }
  return { path: plainPath(target.split(/[?#]/, 1)[0] ?? ''), host: undefined, query }
}

/** Without what clients that join addresses by hand put in: slashes twice, and at the end. */
export function plainPath(path: string): string {
  const single = path.replace(/\/{2,}/g, '/')
  return single.length > 1 && single.endsWith('/') ? single.slice(0, -1) : single
}

/**
 * A path without the prefix that it begins with, of which a part `:name` stands for any one part;
 * undefined where it begins otherwise.
 */
export function withoutPrefix(path: string, prefix: string): string | undefined {
  const parts = path.split('/')
  const own = prefix.split('/')
  const isWithin = own.every((part, i) => part === parts[i] || (part[0] === ':' && parts[i]))
  return isWithin ? `/${parts.slice(own.length).join('/')}` : undefined
}
