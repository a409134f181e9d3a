import { readFileSync } from 'node:fs'
import { reasonOf } from '../api/show.js'
import { refused } from './checks.js'

/**
 * Keys of a server, from a file (one a line; blank lines and lines that begin with # are skipped)
 * and from SLUICE_API_KEY. Never from an argument, which every process of the machine can read.
 * No message names a key.
 * @throws InvalidOptionError when the file cannot be read, or holds no key or one no header carries
 */
export function readApiKeys(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const keys = file === undefined ? [] : keysOf(file)
  const own = environment.SLUICE_API_KEY?.trim()
  if (own) keys.push(checked(own, 'SLUICE_API_KEY', 'SLUICE_API_KEY'))
  return keys
}

function keysOf(file: string): string[] {
  const lines = readText(file).split('\n')
  const keys = lines.flatMap((line, i) => {
    const key = line.trim()
    return key === '' || key.startsWith('#') ? [] : [checked(key, optionName, `line ${i + 1}`)]
  })
  if (keys.length > 0) return keys
  // A file that was emptied by mistake must not open the server.
  throw refused(optionName, `a key in ${file}`, 'none')
}

const optionName = '--api-key-file'

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw refused(optionName, 'a file that can be read', `${file} (${reasonOf(cause)})`, { cause })
  }
}

function checked(key: string, option: string, place: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw refused(option, 'a key of printable ASCII without blanks', `another (${place})`)
}
