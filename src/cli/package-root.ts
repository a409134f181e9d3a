import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of the package: the same from dist/cli and from src/cli. */
const root = new URL('../../', import.meta.url)

export function packagePath(path: string): string {
  return fileURLToPath(new URL(path, root))
}

export function packageVersion(): string {
  const manifest = readFileSync(packagePath('package.json'), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
