import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { BundledError } from './bundled-error.js'

/** This package's folder. Throws BundledError. */
export function packageRoot(): string {
  // A bundle made as CommonJS has no import.meta.
  const url = import.meta.url as string | undefined
  if (url === undefined) throw new BundledError('made as CommonJS')
  if (!url.startsWith('file:')) throw new BundledError(url)
  const file = fileURLToPath(url)
  const root = path.resolve(path.dirname(file), '..', '..')
  if (!isOwn(root)) throw new BundledError(file)
  return root
}

function isOwn(folder: string): boolean {
  let manifest: string
  try {
    manifest = readFileSync(path.join(folder, 'package.json'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error // as of Deno without --allow-read
  }
  return (JSON.parse(manifest) as { name?: string }).name === 'sluice'
}
