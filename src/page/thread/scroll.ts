import { byId } from '../dom.js'

/** Pixels from the end within which it counts as the end. */
const nearPx = 48

/** The scrolled thread: it follows what comes, unless its reader has scrolled up. */
export class Scroll {
  readonly #box = byId('scroll', HTMLElement)
  readonly #toEnd = byId('to-end', HTMLButtonElement)

  constructor() {
    this.#toEnd.addEventListener('click', () => {
      this.toEnd()
      byId('prompt', HTMLTextAreaElement).focus()
    })
    this.#box.addEventListener('scroll', () => this.#showButton(), { passive: true })
  }

  /** Makes a change, and stays at the end where it was there before. */
  keepEnd(change: () => void): void {
    const wasAtEnd = this.#isAtEnd
    change()
    if (wasAtEnd) this.toEnd()
    else this.#showButton()
  }

  toEnd(): void {
    this.#box.scrollTop = this.#box.scrollHeight
    this.#showButton()
  }

  get #isAtEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#box
    return scrollHeight - scrollTop - clientHeight < nearPx
  }

  #showButton(): void {
    this.#toEnd.hidden = this.#isAtEnd
  }
}
