import { byId } from '../dom.js'

/** Pixels that the field grows to; beyond it scrolls. */
const heightMax = 240

/** The field for the next message, and the button that sends it, or stops the reply. */
export class Composer {
  readonly #field = byId('prompt', HTMLTextAreaElement)
  readonly #send = byId('send', HTMLButtonElement)
  #isRunning = false

  constructor(on: { send(text: string): void; stop(): void }) {
    byId('composer', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#isRunning) on.stop()
      else this.#take(on.send)
    })
    this.#field.addEventListener('input', () => this.#fit())
    this.#field.addEventListener('keydown', (event) => {
      // While an input method puts a character together, Enter is its own.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      if (!this.#isRunning) this.#take(on.send)
    })
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#isRunning && !isOfEditor(event.target)) on.stop()
    })
  }

  focus(): void {
    this.#field.focus()
  }

  /** While a reply comes the next message may be written already. */
  set running(isRunning: boolean) {
    this.#isRunning = isRunning
    this.#send.textContent = isRunning ? 'Stop' : 'Send'
    this.#send.classList.toggle('stops', isRunning)
  }

  #take(send: (text: string) => void): void {
    const text = this.#field.value.trim()
    if (text === '') return
    this.#field.value = ''
    this.#fit()
    send(text)
  }

  #fit(): void {
    this.#field.style.height = 'auto'
    this.#field.style.height = `${Math.min(this.#field.scrollHeight, heightMax)}px`
  }
}

function isOfEditor(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.editing, dialog') !== null
}
