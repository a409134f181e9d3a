import { button, copyButton, el } from '../dom.js'
import type { UserTurn } from './conversation.js'

/** A message of the user's in the thread. */
export class UserView {
  readonly element = el('article', { class: 'turn user' })

  /** @param onEdit opens it for editing */
  constructor(turn: UserTurn, onEdit: () => void) {
    const copy = copyButton(() => turn.text, 'Copy this message')
    const edit = button('Edit', onEdit, { label: 'Edit this message' })
    this.element.append(
      el('h2', { class: 'who', text: 'You' }),
      el('div', { class: 'said', text: turn.text }),
      el('footer', { class: 'foot' }, el('div', { class: 'actions' }, copy, edit)),
    )
  }
}

interface EditWords {
  readonly label: string
  readonly save: string
}

/** A field in the place of a text. Escape leaves it, Control and Enter saves. */
export function editor(
  text: string,
  { label, save }: EditWords,
  onDone: (text: string | undefined) => void,
): HTMLElement {
  const field = el('textarea', { class: 'editor', label, attributes: { rows: '3' } })
  field.value = text
  const done = (isSaved: boolean) => onDone(isSaved ? field.value : undefined)
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') done(false)
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) done(true)
  })
  const buttons = [
    button(save, () => done(true), { class: 'send small' }),
    button('Cancel', () => done(false)),
  ]
  // Once it is shown: it has no size before.
  requestAnimationFrame(() => {
    field.style.height = `${Math.min(field.scrollHeight + 4, 400)}px`
    field.focus()
  })
  return el('div', { class: 'editing' }, field, el('div', { class: 'actions' }, ...buttons))
}
