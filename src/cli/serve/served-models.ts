import fs from 'node:fs'
import type { ModelsOptions, PooledModelOptions } from '../../api/models-types.js'
import { modelId } from '../../engine/model-id.js'
import { filePath, refused } from '../../options/checks.js'
import type { serveFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import { nameOfModel } from '../../options/models-options.js'
import { loadOptions } from '../load-options.js'

type Flags = Settled<typeof serveFlags>

/** One model that stays, of a file or the storyteller; or several that come and go. */
type Wanted =
  | { readonly kind: 'one'; readonly file: string | undefined }
  | { readonly kind: 'several' }

interface ServedModels {
  readonly options: ModelsOptions
  /** Those that are loaded at the start. */
  readonly atStart: readonly string[]
}

/** What is to be served, by the flags. */
export function wantedModels({ model, config, idleUnload = 0, memoryMib }: Flags): Wanted {
  const [first, ...others] = model.map(namedFile)
  const areNamed = others.length > 0 || first?.name !== undefined
  const isPooled = idleUnload > 0 || memoryMib !== undefined
  if (config !== undefined || areNamed || isPooled) return { kind: 'several' }
  return { kind: 'one', file: first?.file }
}

/** What flags and config file come to; a flag holds for each model that says nothing else. */
export async function servedModels(flags: Flags): Promise<ServedModels> {
  const { onProgress: _, onWarning: __, signal: ___, ...shared } = loadOptions(flags, undefined)
  const { model: _model, draft: _draft, lora: _lora, ...added } = shared
  const ofFlags = flags.model.map(namedFile)
  const ofConfig = flags.config === undefined ? undefined : await configured(flags.config)
  const models = { ...flaggedModels(ofFlags), ...ofConfig?.models }
  if (Object.keys(models).length === 0) models.storyteller = {}
  checkLora(flags, Object.keys(models))
  const entries = Object.entries(models).map(([name, own]) => [name, { ...shared, ...own }])
  const memoryMiB = flags.memoryMib ?? ofConfig?.memoryMiB
  // Said, as an object does not keep the order of names of digits alone.
  const byDefault = ofConfig?.default ?? ofFlags.map(ownName)[0]
  const options: ModelsOptions = {
    models: Object.fromEntries(entries) as Record<string, PooledModelOptions>,
    ...(byDefault === undefined ? {} : { default: byDefault }),
    ...(memoryMiB === undefined ? {} : { memoryMiB }),
    added,
    idleUnloadMs: 1000 * (flags.idleUnload ?? ofConfig?.idleUnload ?? 0),
  }
  // One that is given without a name is loaded at the start, as without these flags.
  const isPlain = ofConfig === undefined && ofFlags.every(({ name }) => name === undefined)
  const plain = isPlain && entries.length === 1 ? Object.keys(models) : []
  return { options, atStart: [...plain, ...(ofConfig?.atStart ?? [])] }
}

async function configured(file: string) {
  // Only here: zod takes 45 ms to import, and most servers have no such file.
  const { readConfig, modelsOf } = await import('../config/read.js')
  const config = readConfig(file)
  const atStart = Object.entries(config.models)
    .filter(([, { loadAtStart }]) => loadAtStart)
    .map(([name]) => name)
  return { ...config, models: modelsOf(config, file), atStart }
}

/** An adapter belongs to one model. */
function checkLora({ lora }: Flags, [first, ...others]: readonly string[]): void {
  if (lora.length === 0 || others.length === 0) return
  const expected = 'one model alone; for several say it of each in the file of --config'
  throw refused('--lora', expected, `the models ${[first, ...others].join(', ')}`)
}

interface NamedFile {
  /** Undefined where a file alone was given. */
  readonly name: string | undefined
  readonly file: string
}

function flaggedModels(given: readonly NamedFile[]): Record<string, PooledModelOptions> {
  const models = new Map<string, PooledModelOptions>() // a name may be __proto__
  for (const one of given) {
    const own = ownName(one)
    if (models.has(own)) {
      throw refused('--model', 'a name for each model (NAME=FILE)', `'${own}' twice`)
    }
    models.set(own, { model: one.file })
  }
  return Object.fromEntries(models)
}

function ownName({ name, file }: NamedFile): string {
  return name ?? modelId(file)
}

/** `NAME=FILE`, or a file alone: also one with a `=` in its path, where it is there. */
function namedFile(given: string): NamedFile {
  const at = given.indexOf('=')
  if (at < 0 || fs.existsSync(given)) return { name: undefined, file: given }
  const name = given.slice(0, at)
  const file = given.slice(at + 1)
  if (nameOfModel.accepts(name) && filePath.accepts(file)) return { name, file }
  throw refused('--model', 'FILE or NAME=FILE', `'${given}'`)
}
