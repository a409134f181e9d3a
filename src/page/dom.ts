/** What an element may be given at once. Text never becomes markup. */
interface Given {
  readonly class?: string
  readonly text?: string
  readonly title?: string
  readonly label?: string
  readonly hidden?: boolean
  readonly attributes?: Readonly<Record<string, string>>
}

/** A new element with its children. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  given: Given = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  if (given.class !== undefined) element.className = given.class
  if (given.text !== undefined) element.textContent = given.text
  if (given.title !== undefined) element.title = given.title
  if (given.label !== undefined) element.setAttribute('aria-label', given.label)
  if (given.hidden === true) element.hidden = true
  for (const [key, value] of Object.entries(given.attributes ?? {})) {
    element.setAttribute(key, value)
  }
  element.append(...children)
  return element
}

export function button(text: string, onClick: () => void, given: Given = {}): HTMLButtonElement {
  const made = el('button', { class: 'quiet', ...given, text })
  made.type = 'button'
  made.addEventListener('click', onClick)
  return made
}

/** An element of the page's own markup. */
export function byId<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id)
  if (found instanceof type) return found
  throw new Error(`the page has no ${type.name} with the id ${id}`)
}

/** Sets it only where it differs: a text that is written anew loses a reader's selection. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Copies a text, and says on the button that it did. */
export function copyButton(textOf: () => string, label: string): HTMLButtonElement {
  const made = button('Copy', () => void copy(), { label })
  const copy = async () => {
    const isCopied = await copied(textOf())
    made.textContent = isCopied ? 'Copied' : 'Not allowed'
    setTimeout(() => {
      made.textContent = 'Copy'
    }, 1500)
  }
  return made
}

/** The clipboard is there on secure pages only; elsewhere a selection is copied. */
async function copied(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    )
  }
  const field = el('textarea', { class: 'unseen', text })
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand('copy')
  field.remove()
  return isCopied
}
