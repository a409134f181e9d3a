import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** A bundler put this code into another file, and left what it needs beside it behind. */
export class BundledError extends Error {
  constructor(where: string) {
    super(
      `sluice is part of a bundle (${where}), where its native binary is not; leave it out: ` +
        "external: ['sluice', 'sluice/http'] in esbuild; others: docs/bundlers.md",
    )
    this.name = 'BundledError'
  }
}

/** This package's folder. Throws BundledError. */
export function packageRoot(): string {
  // A bundle made as CommonJS has no import.meta.
  const url = import.meta.url as string | undefined
  if (url === undefined) throw new BundledError('made as CommonJS')
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
