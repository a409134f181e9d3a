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
