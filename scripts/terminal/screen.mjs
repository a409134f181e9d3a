// What a terminal shows, and when: text as it came, told in pieces that stand somewhere from one
// moment to another. Knows what our commands write, and refuses the rest.

/**
 * @typedef {object} Output what came at once
 * @property {number} at milliseconds from the start
 * @property {string} text
 * @property {number} [restMs] how long the screen is shown as it is before that
 *
 * @typedef {object} Piece text within one row
 * @property {number} row
 * @property {number} column
 * @property {string} text
 * @property {string} style
 * @property {number} from when it appears, in milliseconds
 * @property {number | undefined} until when it is gone; undefined where it stays
 */

/** A control sequence, an escape of another kind, a control character, or a character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const units = /\x1b\[([?\d;]*)([@-~])|\x1b.?|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f\x1b]/gu

/** @type {Readonly<Record<string, string>>} */
const styles = { 0: '', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow', 22: '', 39: '' }

/**
 * @param {readonly Output[]} outputs
 * @param {number} columns
 * @returns {Piece[]}
 */
export function piecesOf(outputs, columns) {
  const screen = new Screen(columns)
  for (const { at, text } of outputs) screen.write(at, text)
  return screen.pieces
}

class Screen {
  /** @type {Piece[]} */
  pieces = []
  #columns
  #row = 0
  #column = 0
  #style = ''

  /** @param {number} columns */
  constructor(columns) {
    this.#columns = columns
  }

  /**
   * @param {number} at
   * @param {string} text
   */
  write(at, text) {
    for (const [unit, parameters, final] of text.matchAll(units)) {
      if (final !== undefined) this.#control(at, `${parameters}`, final)
      else if (unit === '\n') this.#row++
      else if (unit === '\r') this.#column = 0
      else if (/^[^\p{Cc}]$/u.test(unit)) this.#put(at, unit)
      else throw new Error(`a terminal of this kind does not know ${JSON.stringify(unit)}`)
    }
  }

  /**
   * @param {number} at
   * @param {string} parameters
   * @param {string} final
   */
  #control(at, parameters, final) {
    if (parameters === '?2004') return // marks around what is pasted
    const style = styles[parameters || '0']
    if (final === 'm' && style !== undefined) this.#style = style
    else if (final === 'H' && parameters === '') this.#row = this.#column = 0
    else if (final === 'G' && /^\d+$/.test(parameters)) this.#column = Number(parameters) - 1
    else if (final === 'J' && /^0?$/.test(parameters)) this.#eraseBelow(at)
    else if (final === 'J') this.#clear(at)
    else if (final === 'K' && /^0?$/.test(parameters)) this.#erase(at, this.#row, this.#column)
    else throw new Error(`a terminal of this kind does not know ESC[${parameters}${final}`)
  }

  /** @param {number} at */
  #clear(at) {
    for (const piece of this.pieces) piece.until ??= at
  }

  /**
   * From where it writes next.
   * @param {number} at
   */
  #eraseBelow(at) {
    this.#erase(at, this.#row, this.#column)
    for (const piece of this.pieces) if (piece.row > this.#row) piece.until ??= at
  }

  /**
   * From a column on.
   * @param {number} at
   * @param {number} row
   * @param {number} column
   */
  #erase(at, row, column) {
    for (const piece of this.pieces) {
      if (piece.row !== row || piece.until !== undefined || end(piece) <= column) continue
      piece.until = at
      const kept = [...piece.text].slice(0, column - piece.column).join('')
      if (kept !== '') this.pieces.push({ ...piece, text: kept, from: at, until: undefined })
    }
  }

  /**
   * @param {number} at
   * @param {string} character
   */
  #put(at, character) {
    if (this.#column === this.#columns) {
      this.#column = 0
      this.#row++
    }
    const place = { row: this.#row, column: this.#column++, style: this.#style }
    this.#erase(at, place.row, place.column)
    const last = this.pieces.at(-1)
    const goesOn =
      last?.from === at && last.until === undefined && last.style === place.style
        ? last.row === place.row && end(last) === place.column
        : false
    if (last !== undefined && goesOn) last.text += character
    else this.pieces.push({ ...place, text: character, from: at, until: undefined })
  }
}

/** @param {Piece} piece the column after it */
function end({ column, text }) {
  return column + [...text].length
}
