import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { type GgufContent, writeGguf } from '../../test/support/models/gguf-writer.js'
import { inCache } from '../paths.js'

/**
 * A model's file in the cache, written now if it is not there yet.
 * @param made what its content hangs on: another value, another file
 */
export function cachedModel(name: string, made: unknown, content: () => GgufContent): string {
  const version = createHash('sha256').update(JSON.stringify(made)).digest('hex').slice(0, 12)
  const file = inCache('models', `${name}-${version}.gguf`)
  if (fs.existsSync(file)) return file

  console.log(`models: writing ${file}`)
  fs.mkdirSync(inCache('models'), { recursive: true })
  const { metadata, tensors } = content()
  const unfinished = `${file}.${process.pid}`
  writeGguf(unfinished, metadata, tensors)
  fs.renameSync(unfinished, file)
  return file
}
