import { readFileSync } from 'node:fs'
import { reasonOf } from '../api/show.js'
import { refused } from '../options/checks.js'

/** @throws InvalidOptionError that names the flag, where its file cannot be read */
export function textOfFlag(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw refused(flag, 'a file that can be read', `${file} (${reasonOf(cause)})`, { cause })
  }
}
