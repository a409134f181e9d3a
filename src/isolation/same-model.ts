import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { NativeModelInfo } from '../binding/engine-port.js'

/** Read of each file, evenly over it: weights that were trained further differ everywhere. */
const samples = 64
const sampleBytes = 4096

/**
 * What tells models' files from others of the same names: their sizes, and a sample of their bytes.
 * Not their times: a file that was cut and is whole again is the same. Undefined where one cannot
 * be read.
 */
export async function sampleOf(files: readonly string[]): Promise<string | undefined> {
  try {
    const parts = files.flatMap(partsOf)
    return (await Promise.all(parts.map(sampleOfFile))).join(' ')
  } catch {
    return undefined // it was deleted after it was loaded
  }
}

/** Whether two loads tell of the same model, however it was placed. */
export function isSameModel(one: NativeModelInfo, other: NativeModelInfo): boolean {
  return isDeepStrictEqual(ownOf(one), ownOf(other))
}

function ownOf({
  context: _context,
  threads: _threads,
  cacheBytes: _cacheBytes,
  placement: _placement,
  warnings: _warnings,
  ...own
}: NativeModelInfo): object {
  return own
}

/** All files of a model that is split, by the name of the first. */
function partsOf(file: string): string[] {
  const [, name, count = ''] = /^(.*)-00001-of-(\d{5})\.gguf$/s.exec(file) ?? []
  if (name === undefined) return [file]
  return Array.from({ length: Number(count) }, (_, i) => {
    return `${name}-${String(i + 1).padStart(5, '0')}-of-${count}.gguf`
  })
}

async function sampleOfFile(file: string): Promise<string> {
  const handle = await fs.open(file)
  try {
    const { size } = await handle.stat()
    const hash = createHash('sha256').update(`${size} `)
    const last = Math.max(0, size - sampleBytes)
    const bytes = Buffer.alloc(sampleBytes)
    for (let i = 0; i < samples; i++) {
      const at = Math.floor((last * i) / (samples - 1))
      const { bytesRead } = await handle.read(bytes, 0, sampleBytes, at)
      hash.update(bytes.subarray(0, bytesRead))
    }
    return hash.digest('base64')
  } finally {
    await handle.close()
  }
}
