import { InvalidOptionError } from '../api/errors.js'
import type { ModelsOptions, PooledModelOptions } from '../api/models-types.js'
import {
  abortSignal,
  aFunction,
  type Check,
  type Checks,
  check,
  demand,
  fieldsOf,
  int32Max,
  integerFrom,
  isObject,
  listOf,
  parseFields,
  refused,
  wrong,
} from './checks.js'
import { loadChecks, parseLoadOptions } from './engine-options.js'

/** The name that always means a model that is there. */
export const defaultName = 'default'

const namesMax = 1024

/** A model as requests and programs call it. */
export const nameOfModel: Check<string> = check('a name of 1 to 256 characters', (value) => {
  return typeof value === 'string' && value !== '' && value.length <= 256
})

const { signal: _, onProgress: __, onWarning: ___, onPull: ____, ...others } = loadChecks
const { onCrash: _____, ...ofOneModel } = others

/** Of each model: those of `load` that do not belong to a single load, and its names. */
export const pooledModelChecks: Checks<PooledModelOptions> = {
  ...ofOneModel,
  aliases: listOf(namesMax, nameOfModel, 'names'),
}

const { model: _model, draft: _draft, lora: _lora, ...ofAny } = pooledModelChecks
const { aliases: _aliases, ...ofAnyModel } = ofAny

const oneModel = fieldsOf<PooledModelOptions>(pooledModelChecks)

const modelsByName: Check<Readonly<Record<string, PooledModelOptions>>> = {
  ...check('an object with the options of each model by its name, of 1 to 1024 models', (value) => {
    if (!isObject(value)) return false
    const count = Object.keys(value).length
    return count >= 1 && count <= namesMax
  }),
  read: (value, path) => {
    const entries = Object.entries(value).map(([name, options]) => {
      demand(`${path} (its names)`, name, nameOfModel)
      return [name, demand(`${path}.${name}`, options, oneModel)] as const
    })
    return Object.fromEntries(entries)
  },
}

const modelsChecks: Checks<ModelsOptions> = {
  models: modelsByName,
  default: nameOfModel,
  added: fieldsOf<NonNullable<ModelsOptions['added']>>(ofAnyModel),
  memoryMiB: integerFrom(1, 2 ** 30),
  idleUnloadMs: integerFrom(0, int32Max),
  onEvent: aFunction as Check<NonNullable<ModelsOptions['onEvent']>>,
  onWarning: aFunction as Check<NonNullable<ModelsOptions['onWarning']>>,
}

/** @throws InvalidOptionError */
export function parseModelsOptions(input: unknown): ModelsOptions {
  const given = parseFields<ModelsOptions>(input, modelsChecks)
  const models = demand('models', given.models, modelsByName)
  checkNames(models)
  if (given.default !== undefined && !Object.hasOwn(models, given.default)) {
    throw wrong('default', `one of ${Object.keys(models).join(', ')}`, given.default)
  }
  if (given.default === undefined) checkFirst(Object.keys(models))
  for (const [name, { aliases: _, ...options }] of Object.entries(models)) {
    checkTogether(name, options)
  }
  return { ...given, models }
}

/** @throws InvalidOptionError */
export function parseUseOptions(input: unknown): { readonly signal?: AbortSignal } {
  return parseFields<{ signal?: AbortSignal }>(input, { signal: abortSignal })
}

/** A name stands for one model, or for an adapter of one. */
function checkNames(models: ModelsOptions['models']): void {
  const taken = new Set<string>([defaultName])
  for (const [name, { aliases = [], lora = {} }] of Object.entries(models)) {
    for (const one of [name, ...aliases, ...Object.keys(lora)]) {
      if (taken.has(one)) {
        throw refused(`models.${name}`, 'names that nothing else has', `'${one}' once more`)
      }
      taken.add(one)
    }
  }
}

/** An object has names that are array indices before all others, wherever they were written. */
function checkFirst(names: readonly string[]): void {
  const [first = '', ...others] = names
  if (others.length === 0 || !isIndex(first)) return
  const expected = "the default model's name, as names of digits alone come first in any order"
  throw wrong('default', expected, undefined)
}

/** From 0 to 2^32 - 2, without zeros in front. */
function isIndex(name: string): boolean {
  return `${Number(name) >>> 0}` === name && name !== '4294967295'
}

/** What of load's options only goes together. Errors name the model. */
function checkTogether(name: string, options: PooledModelOptions): void {
  try {
    parseLoadOptions(options, '')
  } catch (error) {
    throw inModel(name, error)
  }
}

function inModel(name: string, error: unknown): unknown {
  if (!(error instanceof InvalidOptionError)) return error
  const option = `models.${name}.${error.option}`
  return new InvalidOptionError(option, error.message.replace(error.option, option))
}
