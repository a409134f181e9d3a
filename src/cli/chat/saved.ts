import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { InvalidOptionError } from '../../api/errors.js'
import { reasonOf } from '../../api/show.js'
import { parseMessages } from '../../options/chat-messages.js'
import { readTextFile } from '../run/text-input.js'
import type { Message } from './conversation.js'

/**
 * Writes messages as JSON, for their owner alone. A file that holds something else is not replaced.
 * @returns the file's whole path
 * @throws InvalidOptionError
 */
export async function saveMessages(given: string, messages: readonly Message[]): Promise<string> {
  const file = pathOf(given)
  const text = `${JSON.stringify(messages, null, 2)}\n`
  try {
    await fs.writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(file, error)
    await checkReplaceable(file)
    await fs.writeFile(file, text).catch((cause) => {
      throw unwritable(file, cause)
    })
  }
  return file
}

/** @returns what the JSON says. @throws InvalidOptionError */
export async function readMessages(given: string): Promise<unknown> {
  const file = pathOf(given)
  // Anything else could be waited for without end, and no key ends that.
  const isElse = await fs.stat(file).then(
    (stat) => !stat.isFile(),
    () => false,
  )
  if (isElse) throw refusedFile(file, 'is no file')
  const text = await readTextFile('/load', file)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refusedFile(file, `is no JSON (${reasonOf(cause)})`)
  }
}

async function checkReplaceable(file: string): Promise<void> {
  try {
    parseMessages(await readMessages(file))
  } catch {
    // Whatever it is: a slip of the hand must not cost it.
    throw refusedFile(file, 'is there already and is no conversation; it is left as it is')
  }
}

function unwritable(file: string, cause: unknown): InvalidOptionError {
  return refusedFile(file, `cannot be written (${reasonOf(cause)})`)
}

function refusedFile(file: string, words: string): InvalidOptionError {
  return new InvalidOptionError('file', `${file} ${words}`)
}

/** As a shell has it. */
function pathOf(given: string): string {
  const isOfHome = given === '~' || given.startsWith('~/')
  return path.resolve(isOfHome ? path.join(os.homedir(), given.slice(1)) : given)
}
