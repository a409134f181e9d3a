import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { BundledError, isOfWebpack } from './bundled-error.js'
import type { NativeAddon } from './native.js'
import { packageRoot } from './package-root.js'
import { addonPlaces, backendFolders } from './places.js'

let addon: NativeAddon | undefined

/** A place where an addon was looked for, and what came of it. */
interface Attempt {
  what: string
  file: string | undefined
  /** Why it was not taken; undefined of the one that was. */
  reason: string | undefined
}

let attempts: Attempt[] = []

/**
 * The native addon, loaded on first use: a build of one's own first, else the prebuilt binary of
 * this platform. Throws BundledError, or an error that tells each place and why it was of no use.
 */
export function binding(): NativeAddon {
  if (addon !== undefined) return addon
  const root = packageRoot()
  try {
    addon = open(root)
    return addon
  } catch (error) {
    throw isOfWebpack() ? new BundledError(root) : error
  }
}

/** What `binding` looked at, up to the addon that it took. */
export function bindingAttempts(): readonly Attempt[] {
  return attempts
}

/** What opens the same addon in another process: its file, and the folders of its backends. */
export function bindingPlace(): { file: string; folders: string[] } {
  const root = packageRoot()
  const isTaken = ({ file, reason }: Attempt) => file !== undefined && reason === undefined
  if (!attempts.some(isTaken)) open(root) // a test's stands in its place
  return { file: attempts.find(isTaken)?.file as string, folders: backendFolders(root) }
}

/** Puts another addon in its place, for tests; undefined goes back to the real one. */
export function useBinding(replacement: NativeAddon | undefined): void {
  addon = replacement
}

function open(root: string): NativeAddon {
  attempts = []
  let cause: unknown
  for (const { what, file } of addonPlaces(root)) {
    const attempt: Attempt = { what, file, reason: undefined }
    attempts.push(attempt)
    if (file === undefined) {
      attempt.reason = 'is not installed'
    } else if (!existsSync(file)) {
      attempt.reason = 'is not there'
    } else {
      try {
        return openFile(file, root)
      } catch (error) {
        if (isNotFound(error)) throw new BundledError(file) // a require() that is none of Node's
        cause = error
        attempt.reason = `cannot be loaded: ${error instanceof Error ? error.message : error}`
      }
    }
  }
  throw new Error(attempts.map(describe).join('\n'), { cause })
}

const isNotFound = (error: unknown) =>
  (error as NodeJS.ErrnoException | undefined)?.code === 'MODULE_NOT_FOUND'

function openFile(file: string, root: string): NativeAddon {
  const opened = createRequire(import.meta.url)(file) as NativeAddon
  opened.loadBackends(backendFolders(root))
  return opened
}

function describe({ what, file, reason }: Attempt): string {
  return `- ${what}${file === undefined ? '' : ` (${file})`} ${reason}`
}
