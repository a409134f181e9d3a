import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** The checkout: the nearest folder above that holds a package.json, also from build/bench. */
const root = nearestPackage(import.meta.dirname)

export function inRoot(...parts: string[]): string {
  return path.join(root, ...parts)
}

/** What the bench builds and installs lies outside the checkout, and is shared by checkouts. */
export function inCache(...parts: string[]): string {
  const { SLUICE_BENCH_DIR, XDG_CACHE_HOME } = process.env
  const cache = XDG_CACHE_HOME || path.join(os.homedir(), '.cache')
  return path.join(SLUICE_BENCH_DIR || path.join(cache, 'sluice-bench'), ...parts)
}

function nearestPackage(folder: string): string {
  if (fs.existsSync(path.join(folder, 'package.json'))) return folder
  return nearestPackage(path.dirname(folder))
}
