import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { eventually } from '../eventually.js'

/** Stands in for a terminal: keys go in, and what was written is kept. */
export class FakeTerminal {
  readonly input = new FakeInput()
  readonly output: Writable & { columns?: number; isTTY: boolean }
  /** All that was written, with its sequences. */
  raw = ''

  constructor(columns = 80) {
    const take = (text: string | Buffer) => {
      this.raw += String(text)
    }
    const output = new Writable({
      decodeStrings: false,
      write(text, _, done) {
        take(text)
        done()
      },
    })
    this.output = Object.assign(output, { columns, isTTY: true })
  }

  /** The same without sequences, and with plain line ends. */
  get text(): string {
    return stripVTControlCharacters(this.raw).replaceAll('\r\n', '\n')
  }

  /** As it comes from a keyboard. */
  type(keys: string): void {
    this.input.emit('data', Buffer.from(keys))
  }

  /** As a terminal marks what is pasted. */
  paste(text: string): void {
    this.type(`\x1b[200~${text.replaceAll('\n', '\r')}\x1b[201~`)
  }

  resize(columns: number): void {
    this.output.columns = columns
    this.output.emit('resize')
  }

  /** Waits for what must be written, after the first `since` characters. */
  async shows(words: string | RegExp, since = 0): Promise<void> {
    const isThere = () => {
      const text = this.text.slice(since)
      return typeof words === 'string' ? text.includes(words) : words.test(text)
    }
    await eventually(isThere, () => `${words} never came, only: ${this.text}`)
  }
}

class FakeInput extends EventEmitter {
  isRaw = false
  isPaused = false

  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw
    return this
  }

  resume(): this {
    this.isPaused = false
    return this
  }

  pause(): this {
    this.isPaused = true
    return this
  }
}
