import { button, el } from './dom.js'

/**
 * Asks for the server's key. Resolves with false where it is not given. One dialog at a time: who
 * asks meanwhile has the same answer.
 */
export class KeyDialog {
  readonly #use: (key: string) => void
  #asked: Promise<boolean> | undefined

  constructor(use: (key: string) => void) {
    this.#use = use
  }

  ask(isWrong: boolean): Promise<boolean> {
    this.#asked ??= this.#open(isWrong).finally(() => {
      this.#asked = undefined
    })
    return this.#asked
  }

  #open(isWrong: boolean): Promise<boolean> {
    const field = el('input', {
      attributes: {
        id: 'key',
        type: 'password',
        autocomplete: 'off',
        spellcheck: 'false',
        'aria-describedby': 'key-note',
      },
    })
    const form = el('form', { attributes: { method: 'dialog' } })
    const dialog = el('dialog', { class: 'key', attributes: { 'aria-labelledby': 'key-title' } })
    const note = isWrong ? 'That key is not one of this server. ' : ''
    form.append(
      el('h2', { text: 'This server asks for a key', attributes: { id: 'key-title' } }),
      el('label', { text: 'API key', attributes: { for: 'key' } }),
      field,
      el('p', {
        class: 'note',
        text: `${note}It is kept in this tab alone, and goes with it.`,
        attributes: { id: 'key-note' },
      }),
      el(
        'div',
        { class: 'actions' },
        button('Cancel', () => dialog.close('')),
        el('button', { class: 'send small', text: 'Use key', attributes: { type: 'submit' } }),
      ),
    )
    dialog.append(form)
    document.body.append(dialog)
    return new Promise((resolve) => {
      // Of the form itself nothing is sent, which the page's policy would not let through either.
      form.addEventListener('submit', (event) => {
        event.preventDefault()
        dialog.close(field.value.trim())
      })
      dialog.addEventListener('close', () => {
        const key = dialog.returnValue
        dialog.remove()
        if (key !== '') this.#use(key)
        resolve(key !== '')
      })
      dialog.showModal()
      field.focus()
    })
  }
}
