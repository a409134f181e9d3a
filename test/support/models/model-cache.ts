/** Where written models are kept, so that every test of every run shares them. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type GgufContent, writeGguf } from './gguf-writer.js'

const here = dirname(fileURLToPath(import.meta.url))
const folder = join(here, '../../../node_modules/.cache/sluice-test-models')

/** A change of what writes the files makes new ones. */
const writers = [
  'adapter',
  'answer-model',
  'encoder-model',
  'gguf-writer',
  'half-matrix',
  'model-kinds',
  'random-model',
  'random-weights',
  'script-model',
  'table-model',
  'tokenizers',
  'turn-model',
]

function version(): string {
  const sources = createHash('sha256')
  for (const writer of writers) sources.update(readFileSync(join(here, `${writer}.ts`)))
  return sources.digest('hex')
}

/** @returns the path of the file for these options, written now if it is not there yet */
export function cachedModel(kind: string, options: object, content: () => GgufContent): string {
  mkdirSync(folder, { recursive: true })
  const name = createHash('sha256').update(version()).update(JSON.stringify(options)).digest('hex')
  const path = join(folder, `${kind}-${name.slice(0, 16)}.gguf`)
  if (existsSync(path)) return path
  const { metadata, tensors } = content()
  // Test files run in parallel: what bears the final name is whole.
  const unfinished = `${path}.${process.pid}`
  writeGguf(unfinished, metadata, tensors)
  renameSync(unfinished, path)
  return path
}
