import type { AdapterOptions, AdapterSettings, AdaptersByName } from '../api/lora-types.js'
import { isPlainObject } from '../api/show.js'
import {
  type Check,
  check,
  demand,
  fieldsOf,
  fileLocation,
  numberFrom,
  readable,
  wrong,
} from './checks.js'

const adaptersMax = 64
const scaleMost = 100

/** How strongly an adapter is applied: 0 is not at all, 1 as it was trained. */
export const adapterScale: Check<number> = numberFrom(-scaleMost, scaleMost)

/** @throws InvalidOptionError for what throws when it is looked at */
function entriesOf<T>(path: string, value: Readonly<Record<string, T>>): [string, T][] {
  return readable(path, 'an object that can be read', () => Object.entries(value))
}

/** An object puts names of digits alone before all others, so that ids would not be in order. */
export const adapterName: Check<string> = check(
  'a name of 1 to 256 characters, not of digits alone',
  (value) => {
    return typeof value === 'string' && value !== '' && value.length <= 256 && !/^\d+$/.test(value)
  },
)

const fields = fieldsOf<AdapterOptions>({ file: fileLocation, scale: adapterScale })

const adapter: Check<string | URL | AdapterOptions> = {
  ...check('the path of a file, or { file, scale }', (value) => {
    return fileLocation.accepts(value) || (isPlainObject(value) && fields.accepts(value))
  }),
  read: (value, path) => {
    const options = fileLocation.accepts(value) ? { file: value } : value
    const read = demand(path, options, fields)
    demand(`${path}.file`, read.file, fileLocation)
    return read
  },
}

/** Of `load`: read as an object of AdapterOptions with paths. */
export const adapters: Check<AdaptersByName> = {
  ...check<AdaptersByName>(
    `an object of at most ${adaptersMax} adapters by their names, each a file or { file, scale }`,
    (value) => isPlainObject(value) && Object.keys(value).length <= adaptersMax,
  ),
  read: (value, path) => {
    const entries = entriesOf(path, value).map(([name, one]) => {
      demand(`${path} (its names)`, name, adapterName)
      return [name, demand(`${path}.${name}`, one, adapter)] as const
    })
    return Object.fromEntries(entries)
  },
}

/** What such an object comes to once it was read. */
export function adapterSettings(read: AdaptersByName | undefined): AdapterSettings[] {
  return Object.entries(read ?? {}).map(([name, one]) => {
    const { file, scale = 1 } = one as { file: string; scale?: number }
    return { name, file, scale }
  })
}

/** Of a request: a name, or names with their scales. Whether they are there, its engine says. */
export const requestLora: Check<string | Readonly<Record<string, number>>> = {
  ...check(
    'the name of an adapter, or an object with the scale of each by its name',
    (value) => typeof value === 'string' || isPlainObject(value),
  ),
  read: (value, path) => {
    if (typeof value === 'string') return value
    const entries = entriesOf(path, value).map(([name, scale]) => {
      return [name, demand(`${path}.${name}`, scale, adapterScale)] as const
    })
    return Object.fromEntries(entries)
  },
}

/**
 * The scale of each adapter that a request asks for, by the adapter's place.
 * @throws InvalidOptionError for a name that is not there
 */
export function scalesOf(
  lora: string | Readonly<Record<string, number>> | undefined,
  there: readonly AdapterSettings[],
): (readonly [place: number, scale: number])[] {
  if (lora === undefined) return []
  const names = there.map(({ name }) => name)
  const placeOf = (name: string): number => {
    const place = names.indexOf(name)
    if (place >= 0) return place
    const known = names.length === 0 ? 'nothing: this engine has no adapters' : names.join(', ')
    throw wrong('lora', names.length > 1 ? `one of ${known}` : known, name)
  }
  if (typeof lora === 'string') {
    const place = placeOf(lora)
    return [[place, there[place]?.scale ?? 1]]
  }
  return Object.entries(lora).map(([name, scale]) => [placeOf(name), scale])
}
