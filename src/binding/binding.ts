import { createRequire } from 'node:module'
import type { NativeAddon } from './native.js'
import { packageRoot } from './package-root.js'

let addon: NativeAddon | undefined

/**
 * The native addon, loaded on first use: a build of one's own first, else the prebuilt binary of
 * this platform. Throws BundledError, and node-gyp-build's error when there is neither.
 */
export function binding(): NativeAddon {
  if (addon === undefined) {
    const root = packageRoot()
    const load = createRequire(import.meta.url)('node-gyp-build') as (root: string) => NativeAddon
    addon = load(root)
  }
  return addon
}

/** Puts another addon in its place, for tests; undefined goes back to the real one. */
export function useBinding(replacement: NativeAddon | undefined): void {
  addon = replacement
}
