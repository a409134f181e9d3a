import { PullError } from '../api/errors.js'
import { type HubName, hubNameOf } from '../options/hub-name.js'

/** One model of a repository: its files in order, of which a split one has several. */
export interface ModelFiles {
  readonly files: readonly string[]
  /** `Q4_K_M`, as its file's name has it; else undefined. */
  readonly quant: string | undefined
  /** Whether a file of a split model is missing. */
  readonly isPartial: boolean
}

/** What is taken where a name says no quant; else the first by name. As llama.cpp does. */
const defaultQuants: readonly string[] = ['Q4_K_M', 'Q8_0']

const quants = ['I?Q\\d+(?:_[A-Z0-9]+)*', 'TQ\\d_\\d', 'MXFP4(?:_MOE)?', 'BF16', 'FP?16', 'FP?32']
const quantForm = new RegExp(`(?:^|[-._])((?:UD-)?(?:${quants.join('|')}))(?=[-.]|$)`, 'gi')
const partForm = /-(\d{5})-of-(\d{5})(?=\.gguf$)/i
/** Not models by themselves: projectors of images, drafting heads, statistics. */
const companionForm = /mmproj|^(mtp|eagle3|dflash|dspark)-|imatrix/i

export function isProjector(file: string): boolean {
  return /mmproj[^/]*\.gguf$/i.test(file)
}

/** The models among a repository's files, by name. */
export function modelsOf(paths: readonly string[]): ModelFiles[] {
  const ggufs = paths.filter((file) => /\.gguf$/i.test(file) && !isCompanion(file))
  return [...groupsOf(ggufs).values()]
}

/** By what their files have in common. */
function groupsOf(paths: readonly string[]): Map<string, ModelFiles> {
  const groups = new Map<string, string[]>()
  for (const file of [...paths].sort()) {
    const common = commonOf(file)
    groups.set(common, [...(groups.get(common) ?? []), file])
  }
  return new Map([...groups].map(([common, files]) => [common, modelOf(files)]))
}

/** Name and number of parts: a repository may have a model whole and in parts, of one name. */
function commonOf(file: string): string {
  return file.replace(partForm, '-*-of-$2')
}

function modelOf(files: readonly string[]): ModelFiles {
  const [first = ''] = files
  const count = Number(partForm.exec(first)?.[2] ?? 1)
  return { files, quant: quantOf(first), isPartial: files.length !== count }
}

function isCompanion(file: string): boolean {
  return companionForm.test(file.slice(file.lastIndexOf('/') + 1))
}

/** The last in a file's name, or else in its folder's. */
function quantOf(file: string): string | undefined {
  const whole = file.replace(partForm, '').replace(/\.gguf$/i, '')
  const named = whole.split('/').reverse()
  for (const name of named) {
    const quant = [...name.matchAll(quantForm)].at(-1)?.[1]
    if (quant !== undefined) return quant.toUpperCase()
  }
  return undefined
}

/** What tells a model from the others of its repository: its quant, or its first file's path. */
export function labelOf(model: ModelFiles, among: readonly ModelFiles[]): string {
  const { quant, files } = model
  const isAlone = among.filter((other) => other.quant === quant).length === 1
  return quant !== undefined && isAlone ? quant : (files[0] ?? '')
}

/**
 * The model that a name means among a repository's files.
 * @throws PullError: file-not-found, quant-not-found, ambiguous, with what there is
 */
export function choose(name: HubName, paths: readonly string[]): ModelFiles {
  const models = modelsOf(paths)
  if (name.file !== undefined) return ofFile(name, name.file, paths, models)
  const meant = name.quant === undefined ? byDefault(models) : ofQuant(name.quant, models)
  const [only, ...more] = meant
  if (only === undefined) throw nothingFits(name, models)
  if (more.length === 0) return only
  const available = meant.map(({ files }) => files[0] ?? '')
  const example = hubNameOf(name, available[0] ?? '')
  throw new PullError(
    'ambiguous',
    `${name.repo}: expected a name that fits one model, but ${meant.length} fit: ` +
      `${available.join(', ')}. Name one by its file: ${example}`,
    { available },
  )
}

function ofFile(
  name: HubName,
  file: string,
  paths: readonly string[],
  models: readonly ModelFiles[],
): ModelFiles {
  const group = groupsOf(paths).get(commonOf(file))
  if (group?.files.includes(file)) return group
  const available = models.map(({ files }) => files[0] ?? '')
  throw new PullError(
    'file-not-found',
    `${name.repo} has no file ${file}. It has ${listed(available)}`,
    { available },
  )
}

/** Exactly so called; else what llama.cpp would take: the quant, then `-`, `.` or the end. */
function ofQuant(quant: string, models: readonly ModelFiles[]): ModelFiles[] {
  const wanted = quant.toUpperCase()
  const exact = models.filter((model) => model.quant === wanted)
  if (exact.length > 0) return exact
  return models.filter(({ files }) => {
    const name = (files[0] ?? '').toUpperCase()
    return name.includes(`${wanted}-`) || name.includes(`${wanted}.`)
  })
}

function byDefault(models: readonly ModelFiles[]): ModelFiles[] {
  for (const quant of defaultQuants) {
    const found = models.filter((model) => model.quant === quant)
    if (found.length > 0) return found
  }
  return models.slice(0, 1)
}

function nothingFits({ repo, quant }: HubName, models: readonly ModelFiles[]): PullError {
  const available = models.map((model) => labelOf(model, models))
  if (models.length === 0) {
    const advice = 'Look for one whose name ends with GGUF'
    return new PullError('file-not-found', `${repo} has no GGUF model. ${advice}`)
  }
  const message = `${repo} has no quant ${quant}. It has ${listed(available)}`
  return new PullError('quant-not-found', message, { available })
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'no GGUF model' : names.join(', ')
}
