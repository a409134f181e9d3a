import readline from 'node:readline'
import { Writable } from 'node:stream'
import { type Entry, MessageComposer } from './composer.js'
import { type InputHistory, linesMax } from './history.js'
import { type KeyListener, Keys, marksPastes, type TerminalInput } from './keys.js'

/** A terminal that is written to; process.stdout is one. */
export interface TerminalOutput extends NodeJS.WritableStream {
  readonly columns?: number
}

interface PromptOptions {
  readonly input: TerminalInput
  readonly output: TerminalOutput
  /** Undefined keeps nothing. */
  readonly history: InputHistory | undefined
  /** TERM=dumb: the terminal knows no sequences. */
  readonly isDumb: boolean
  /** Ctrl-C while no entry is read, or the terminal is gone. */
  readonly onStop: () => void
}

const first = '>>> '
const next = '... '

/**
 * Reads entries from a terminal, with node:readline's editing and history. Between two entries keys
 * wait, but for Ctrl-C. Owned by the session; close() gives the terminal back.
 */
export class Prompt implements KeyListener {
  readonly #options: PromptOptions
  readonly #keys: Keys
  readonly #output: PromptOutput
  readonly #readline: readline.Interface
  readonly #composer = new MessageComposer()
  /** Of readline, the newest first, without lines of pasted texts. */
  #entered: readonly string[]
  #isPasting = false
  #isEnded = false
  #answer: ((entry: Entry | undefined) => void) | undefined

  constructor(options: PromptOptions) {
    this.#options = options
    const { input, output, history } = options
    this.#keys = new Keys(input, this)
    this.#output = new PromptOutput(output)
    this.#entered = history?.read() ?? []
    this.#readline = readline.createInterface({
      input: this.#keys,
      output: this.#output,
      terminal: true,
      history: [...this.#entered],
      historySize: linesMax,
      removeHistoryDuplicates: true,
    })
    this.#readline.on('line', this.#take)
    this.#readline.on('history', this.#keepHistory)
    this.#readline.on('close', () => this.ended())
    this.#readline.on('SIGCONT', () => {
      this.#markPastes() // which the shell has had in its own way since Ctrl-Z
      this.#readline.resume()
    })
    this.#markPastes()
  }

  /** @returns undefined once the user leaves, or the terminal is gone */
  async read(): Promise<Entry | undefined> {
    if (this.#isEnded) return undefined
    return new Promise((resolve) => {
      this.#answer = resolve
      this.#show(first)
      this.#keys.release()
    })
  }

  close(): void {
    if (!this.#options.isDumb) this.#options.output.write(marksPastes.off)
    this.#readline.close()
    this.#keys.close()
    this.#output.close()
  }

  interrupted(): void {
    const isEmpty = this.#readline.line === '' && !this.#composer.isOpen
    if (this.#answer === undefined) this.#options.onStop()
    else if (isEmpty) this.#settle(undefined)
    else this.#beginAnew()
  }

  pasted(text: string): void {
    const lines = text.split(/\r\n|\r|\n/)
    const last = lines.pop() ?? ''
    this.#isPasting = true
    for (const line of lines) this.#readline.write(`${withoutControls(line)}\n`)
    this.#isPasting = false
    // It waits for Enter, as what is typed does.
    if (last !== '') this.#readline.write(withoutControls(last))
  }

  ended(): void {
    this.#isEnded = true
    if (this.#answer === undefined) this.#options.onStop()
    else this.#settle(undefined)
  }

  readonly #take = (line: string): void => {
    if (this.#answer === undefined) return // it closes
    const entry = this.#isPasting ? this.#composer.addPasted(line) : this.#addTyped(line)
    if (entry !== undefined) this.#settle(entry)
    else this.#show(this.#composer.isOpen ? next : first)
  }

  readonly #keepHistory = (lines: string[]): void => {
    if (this.#isPasting) lines.splice(0, lines.length, ...this.#entered)
    else this.#entered = [...lines]
  }

  #settle(entry: Entry | undefined): void {
    const answer = this.#answer
    this.#answer = undefined
    this.#keys.hold()
    this.#output.isResting = true
    if (entry === undefined) this.#output.write('\n')
    answer?.(entry)
  }

  #show(prompt: string): void {
    this.#output.isResting = false
    this.#readline.setPrompt(prompt)
    this.#readline.prompt()
  }

  #markPastes(): void {
    if (!this.#options.isDumb) this.#options.output.write(marksPastes.on)
  }

  #addTyped(line: string): Entry | undefined {
    this.#options.history?.add(line)
    return this.#composer.add(line)
  }

  #beginAnew(): void {
    this.#emptyLine()
    if (this.#composer.isOpen) this.#output.write('\n')
    this.#composer.clear()
    this.#show(first)
  }

  #emptyLine(): void {
    this.#readline.write(null, { ctrl: true, name: 'e' })
    this.#readline.write(null, { ctrl: true, name: 'u' })
    if (this.#readline.line === '') return
    // Of a dumb terminal readline knows hardly a key.
    Object.assign(this.#readline, { line: '', cursor: 0 })
    this.#output.write('\n')
  }
}

/** readline's own: it would draw its line anew at a change of size, also where a reply stands. */
class PromptOutput extends Writable {
  readonly isTTY = true
  isResting = true
  readonly #to: TerminalOutput

  constructor(to: TerminalOutput) {
    super({ decodeStrings: false })
    this.#to = to
    to.on('resize', this.#resize)
  }

  get columns(): number | undefined {
    return this.#to.columns
  }

  override _write(text: string | Buffer, _: BufferEncoding, done: () => void): void {
    this.#to.write(text)
    done()
  }

  close(): void {
    this.#to.off('resize', this.#resize)
  }

  readonly #resize = (): void => {
    if (!this.isResting) this.emit('resize')
  }
}

function withoutControls(line: string): string {
  return line.replace(/\p{Cc}/gu, (character) => (character === '\t' ? character : ''))
}
