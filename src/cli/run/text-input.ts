import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { reasonOf } from '../../api/show.js'
import { refused } from '../../options/checks.js'

/** MiB of one text: more than any context takes. */
const mebibytesMax = 32
const expected = `a text of at most ${mebibytesMax} MiB`

const utf16 = [
  ['utf-16le', 0xff, 0xfe],
  ['utf-16be', 0xfe, 0xff],
] as const

/**
 * A file of text, which may also be a pipe.
 * @param flag names it in errors
 * @throws InvalidOptionError for one that cannot be read, is too large, or is no text
 */
export async function readTextFile(flag: string, file: string): Promise<string> {
  return readText(createReadStream(file), flag, file)
}

/** All of a stream as text. @throws InvalidOptionError as readTextFile does */
export async function readText(stream: Readable, option: string, name: string): Promise<string> {
  const bytes = await bytesOf(stream).catch((cause) => {
    throw refused(option, 'a text that can be read', `${name} (${reasonOf(cause)})`, { cause })
  })
  if (bytes === undefined) throw refused(option, expected, `${name}, which has more`)
  const text = textOf(bytes)
  if (text !== undefined) return text
  throw refused(option, expected, `${name}, which is no text in UTF-8 or UTF-16`)
}

/** Undefined for more than may be. */
async function bytesOf(stream: Readable): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length
    if (bytes > mebibytesMax * 2 ** 20) return undefined
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

/** Undefined for what is no text. */
export function textOf(bytes: Uint8Array): string | undefined {
  const wide = utf16.find(([, first, second]) => bytes[0] === first && bytes[1] === second)
  if (wide !== undefined) return new TextDecoder(wide[0]).decode(bytes)
  if (bytes.includes(0)) return undefined
  try {
    // `head -c` may have cut a character at the end, which is no reason to refuse the rest.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
  return new TextDecoder().decode(bytes)
}
