import { readFileSync } from 'node:fs'
import { reasonOf } from '../api/show.js'
import {
  type Check,
  type Checks,
  check,
  demand,
  int32Max,
  integerFrom,
  isObject,
  parseFields,
  refused,
} from './checks.js'

/** What a key may ask for. What is left out has no limit. */
export interface KeyLimits {
  /** Requests that it may have under way at once, 1 or more; what is beyond gets a 429. */
  requests?: number
  /** Of them, requests that may wait for a slot, 1 or more; what is beyond gets a 429. */
  queue?: number
  /**
   * Tokens of prompts and replies that it may use in a minute, 1 or more. They come back at an
   * even pace; a key that has none left gets a 429 until some are back. What a reply takes counts
   * as it comes, and is never cut by it.
   */
  tokensPerMinute?: number
}

/** A key that opens a server, with what is its own. */
export interface ApiKey extends KeyLimits {
  /** Printable ASCII without blanks. */
  key: string
  /** What the log calls it. Default: nothing is said of it. */
  name?: string
}

export const keyLimitChecks: Checks<KeyLimits> = {
  requests: integerFrom(1, int32Max),
  queue: integerFrom(1, int32Max),
  tokensPerMinute: integerFrom(1, int32Max),
}

const keyName: Check<string> = check('a name of 1 to 64 letters, digits and . _ @ -', (value) => {
  return typeof value === 'string' && /^[\w.@-]{1,64}$/.test(value)
})

const rest: Checks<Omit<ApiKey, 'key'>> = { name: keyName, ...keyLimitChecks }

const restNames = Object.keys(rest)

const isKey = (value: unknown) => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)

/** A key alone, or one with what is its own; read as the latter. */
export const apiKey: Check<string | ApiKey> = {
  ...check<string | ApiKey>(
    `printable ASCII without blanks, or an object of such a key with ${restNames.join(', ')}`,
    (value) => {
      if (!isObject(value)) return isKey(value)
      const known = ['key', ...restNames]
      // A message about an unknown name would show what stands there: a misspelt key.
      return isKey((value as ApiKey).key) && Object.keys(value).every((one) => known.includes(one))
    },
  ),
  read: (value, path) => {
    if (typeof value === 'string') return { key: value }
    const { key, ...own } = value
    return { key, ...parseFields<Omit<ApiKey, 'key'>>(own, rest, path) }
  },
  isSecret: true,
}

/**
 * Keys of a server, from a file and from SLUICE_API_KEY. Never from an argument, which every
 * process of the machine can read. In the file each has a line, and behind the key may stand
 * `name=`, `requests=`, `queue=` and `tokens-per-minute=`; blank lines and lines that begin with #
 * are skipped. No message names a key.
 * @throws InvalidOptionError when the file cannot be read, or holds no key or one no header carries
 */
export function readApiKeys(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): ApiKey[] {
  const keys = file === undefined ? [] : keysOf(file)
  const own = environment.SLUICE_API_KEY?.trim()
  if (own) keys.push({ key: checked(own, 'SLUICE_API_KEY', 'SLUICE_API_KEY') })
  return keys
}

const optionName = '--api-key-file'

function keysOf(file: string): ApiKey[] {
  const lines = readText(file).split('\n')
  const keys = lines.flatMap((line, i) => {
    const said = line.trim()
    return said === '' || said.startsWith('#') ? [] : [keyOf(said, `line ${i + 1}`)]
  })
  if (keys.length > 0) return keys
  // A file that was emptied by mistake must not open the server.
  throw refused(optionName, `a key in ${file}`, 'none')
}

/** The words of the file, and the options that they are. */
const words = new Map<string, keyof typeof rest>([
  ['name', 'name'],
  ['requests', 'requests'],
  ['queue', 'queue'],
  ['tokens-per-minute', 'tokensPerMinute'],
])

function keyOf(line: string, place: string): ApiKey {
  const [key = '', ...settings] = line.split(/\s+/)
  const own: Record<string, unknown> = {}
  for (const setting of settings) {
    const [, word = '', value = ''] = /^([a-z-]+)=(.*)$/.exec(setting) ?? []
    const option = words.get(word)
    if (option === undefined) {
      // It is not shown: it may be another key.
      const known = [...words.keys()].map((one) => `${one}=`).join(', ')
      const came = `something else (${place})`
      throw refused(optionName, `a key, and behind it ${known}`, came)
    }
    const given = option === 'name' ? value : Number(value || 'none')
    own[option] = demand(`${optionName}, ${place}, ${word}`, given, rest[option] as Check<unknown>)
  }
  return { key: checked(key, optionName, place), ...own }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw refused(optionName, 'a file that can be read', `${file} (${reasonOf(cause)})`, { cause })
  }
}

function checked(key: string, option: string, place: string): string {
  if (isKey(key)) return key
  throw refused(option, 'a key of printable ASCII without blanks', `another (${place})`)
}
