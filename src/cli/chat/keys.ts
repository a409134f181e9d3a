import { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** A terminal that is read; process.stdin is one. */
export interface TerminalInput extends NodeJS.EventEmitter {
  setRawMode?(isRaw: boolean): unknown
  resume(): unknown
  pause(): unknown
}

export interface KeyListener {
  /** Ctrl-C, also while keys are held. */
  interrupted(): void
  /** All of a pasted text, where the terminal marks it. */
  pasted(text: string): void
  /** There is no more: the terminal is gone. */
  ended(): void
}

/** Has a terminal put marks around what is pasted, or no longer. */
export const marksPastes = { on: '\x1b[?2004h', off: '\x1b[?2004l' }

const pasteStart = '\x1b[200~'
const pasteEnd = '\x1b[201~'
const ctrlC = '\x03'

/**
 * Stands between a terminal and node:readline, which knows nothing of pastes and acts on each key
 * at once. Here keys wait while a reply is printed, and a pasted text goes around readline: that
 * takes a line end in it for the end of a message, and takes quadratic time for a long line.
 *
 * Owned by Prompt. Held until release() is called.
 */
export class Keys extends Readable {
  readonly isTTY = true
  readonly #source: TerminalInput
  readonly #listener: KeyListener
  readonly #decoder = new StringDecoder('utf8')
  #waiting = ''
  /** Where the end of a paste is looked for next. */
  #searchFrom = 0
  #isHeld = true
  #isPassing = false

  constructor(source: TerminalInput, listener: KeyListener) {
    super({ read: () => undefined })
    this.#source = source
    this.#listener = listener
    source.on('data', this.#take)
    for (const event of ['end', 'close', 'error']) source.on(event, this.#end)
    source.resume()
  }

  /** For readline. */
  setRawMode(isRaw: boolean): this {
    this.#source.setRawMode?.(isRaw)
    return this
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#pass()
  }

  close(): void {
    this.#source.off('data', this.#take)
    for (const event of ['end', 'close', 'error']) this.#source.off(event, this.#end)
    this.#source.on('error', () => undefined) // that it fails now changes nothing
    this.#source.pause()
  }

  readonly #end = (): void => this.#listener.ended()

  readonly #take = (bytes: Buffer | string): void => {
    const text = typeof bytes === 'string' ? bytes : this.#decoder.write(bytes)
    const [before = '', ...behind] = text.split(ctrlC)
    this.#waiting += before
    for (const keys of behind) {
      // As a terminal does by itself: what was typed ahead is gone.
      this.#waiting = keys
      this.#searchFrom = 0
      this.#listener.interrupted()
    }
    this.#pass()
  }

  /** One piece at a time: a line end may have us held. */
  #pass(): void {
    if (this.#isHeld || this.#isPassing) return
    const pasteAt = this.#waiting.indexOf(pasteStart)
    const passed = pasteAt === 0 ? this.#passPaste() : this.#passKeys(pasteAt)
    if (!passed) return
    this.#isPassing = true
    setImmediate(() => {
      this.#isPassing = false
      this.#pass()
    })
  }

  #passPaste(): boolean {
    const from = Math.max(pasteStart.length, this.#searchFrom)
    const end = this.#waiting.indexOf(pasteEnd, from)
    if (end < 0) {
      this.#searchFrom = this.#waiting.length - pasteEnd.length
      return false
    }
    this.#listener.pasted(this.#waiting.slice(pasteStart.length, end))
    this.#drop(end + pasteEnd.length)
    return true
  }

  #passKeys(pasteAt: number): boolean {
    const until = pasteAt < 0 ? this.#waiting.length - startedMark(this.#waiting) : pasteAt
    const keys = this.#waiting.slice(0, until)
    const line = /^[^\r\n]*(?:\r\n|\r|\n)/.exec(keys)?.[0] ?? keys
    if (line === '') return false
    this.push(line.replace(/[\r\n]+$/, '\r'))
    this.#drop(line.length)
    return true
  }

  #drop(length: number): void {
    this.#waiting = this.#waiting.slice(length)
    this.#searchFrom = 0
  }
}

/** How much of the mark of a paste stands at the end of a text: the rest of it may come. */
function startedMark(text: string): number {
  for (let length = pasteStart.length - 1; length > 0; length--) {
    if (text.endsWith(pasteStart.slice(0, length))) return length
  }
  return 0
}
