import { createHash } from 'node:crypto'
import type { RequestNote } from '../api/types.js'

/** Characters of the header: what stands in front of a server may take no more of all of them. */
const headerMax = 2048

/** What of a request was taken otherwise than it says, for the header `x-sluice-notes`. */
export function notesHeader(notes: readonly RequestNote[]): string {
  let text = ''
  for (const [i, { path, message }] of notes.entries()) {
    const next = `${text === '' ? '' : ' | '}${printable(`${path}: ${message}`)}`
    const rest = `${text === '' ? '' : ' | '}and ${notes.length - i} more`
    if (text.length + next.length > headerMax) return text + rest
    text += next
  }
  return text
}

/** A header has neither line breaks nor, for all clients alike, characters beyond ASCII. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Sets of notes that a log has told of, so that an agent's same tools are told once. */
const toldMax = 1024
/** Of one request. */
const placesMax = 64

export class ToldNotes {
  readonly #told = new Set<string>()

  /** Where they stand, which is what a log is told; none where it was told of all of them. */
  places(notes: readonly RequestNote[]): string[] {
    if (notes.length === 0) return []
    // A property's name is whatever a request says: no line of its own, nor a terminal's command.
    const places = notes.slice(0, placesMax).map(({ path }) => printable(path.slice(0, 200)))
    const all = createHash('sha256').update(places.join('\n')).digest('base64')
    if (this.#told.has(all)) return []
    if (this.#told.size >= toldMax) this.#told.clear()
    this.#told.add(all)
    return places
  }
}
