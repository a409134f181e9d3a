/** What was entered: a message to the model, or a command. */
export interface Entry {
  readonly text: string
  readonly isCommand: boolean
}

const blockMark = '"""'

/**
 * Makes one message of the lines that belong together: one ends in a backslash, or they stand
 * between two `"""`, or they were pasted at once. Knows no terminal.
 */
export class MessageComposer {
  #lines: string[] = []
  #isOpen = false
  #isBlock = false
  #typedLines = 0

  /** Whether the next line belongs to what came before. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** A line of a pasted text that had more: nothing in it has a meaning here. */
  addPasted(line: string): undefined {
    this.#isOpen = true
    this.#lines.push(line)
    return undefined
  }

  /** A line that was typed, or at least ended by hand. @returns what is complete now, if any */
  add(line: string): Entry | undefined {
    if (this.#isBlock) return this.#addToBlock(line)
    if (!this.#isOpen && line.trimStart().startsWith(blockMark)) {
      this.#isOpen = this.#isBlock = true
      return this.#addToBlock(line.trimStart().slice(blockMark.length))
    }
    this.#typedLines++
    this.#isOpen = line.endsWith('\\')
    this.#lines.push(this.#isOpen ? line.slice(0, -1) : line)
    return this.#isOpen ? undefined : this.#complete()
  }

  clear(): void {
    this.#lines = []
    this.#isOpen = this.#isBlock = false
    this.#typedLines = 0
  }

  #addToBlock(line: string): Entry | undefined {
    const rest = line.trimEnd()
    const ends = rest.endsWith(blockMark)
    const text = ends ? rest.slice(0, -blockMark.length) : line
    // The marks' own lines have mostly nothing else in them.
    if (text !== '' || (!ends && this.#lines.length > 0)) this.#lines.push(text)
    return ends ? this.#complete() : undefined
  }

  #complete(): Entry | undefined {
    const text = this.#lines.join('\n').trimEnd()
    // A path at the beginning of a pasted text is no command.
    const isTyped = this.#typedLines === this.#lines.length || !text.includes('\n')
    const isCommand = !this.#isBlock && isTyped && text.startsWith('/')
    this.clear()
    return text === '' ? undefined : { text, isCommand }
  }
}
