import fs from 'node:fs'
import type { AdapterOptions } from '../../api/lora-types.js'
import type { EngineSettings, RequestOptions } from '../../api/types.js'
import { filePath, refused } from '../../options/checks.js'
import { adapterName, adapterScale } from '../../options/lora-options.js'

/**
 * What `--lora NAME=FILE` and `NAME=FILE@SCALE` come to, as load's option; undefined where the flag
 * was not given.
 */
export function loraOption(given: readonly string[]): Record<string, AdapterOptions> | undefined {
  if (given.length === 0) return undefined
  const adapters = new Map<string, AdapterOptions>()
  for (const one of given) {
    const at = one.indexOf('=')
    const name = one.slice(0, Math.max(0, at))
    const adapter = fileAndScale(one.slice(at + 1))
    if (!adapterName.accepts(name) || !filePath.accepts(adapter.file)) {
      throw refused('--lora', 'NAME=FILE or NAME=FILE@SCALE', `'${one}'`)
    }
    if (adapters.has(name)) {
      throw refused('--lora', 'another name for each adapter', `'${name}' twice`)
    }
    adapters.set(name, adapter)
  }
  return Object.fromEntries(adapters)
}

/** Who gives adapters for one reply, or for one conversation, wants it made with all of them. */
export function withAllAdapters({
  lora,
}: Pick<EngineSettings, 'lora'>): Pick<RequestOptions, 'lora'> {
  if (lora.length === 0) return {}
  return { lora: Object.fromEntries(lora.map(({ name, scale }) => [name, scale])) }
}

/** A file whose own name ends like a scale is one where it is there. */
function fileAndScale(given: string): { file: string; scale?: number } {
  const [, file = '', text = ''] = /^(.+)@([^@/\\]+)$/s.exec(given) ?? []
  if (file === '' || fs.existsSync(given)) return { file: given }
  const scale = text.trim() === '' ? Number.NaN : Number(text)
  if (adapterScale.accepts(scale)) return { file, scale }
  throw refused('--lora', `${adapterScale.expected} behind the @`, `'${text}'`)
}
