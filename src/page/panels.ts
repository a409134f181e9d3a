import { byId } from './dom.js'
import { keep, kept } from './storage.js'

const name = 'sluice-panel'
const ids = ['settings', 'engine'] as const
type Id = (typeof ids)[number]

/** The panels at the side, of which one is open or none. */
export class Panels {
  readonly #onChange: () => void

  constructor(onChange: () => void) {
    this.#onChange = onChange
    for (const id of ids) {
      byId(`show-${id}`, HTMLButtonElement).addEventListener('click', () => {
        const isOpen = !byId(id, HTMLElement).hidden
        this.#open(isOpen ? undefined : id)
        keep(name, isOpen ? '' : id)
      })
    }
    addEventListener('keydown', (event) => this.#onKey(event))
  }

  /** What was open before; on a first visit the engine, where there is room beside the thread. */
  begin(): void {
    const before = kept(name)
    const first = matchMedia('(min-width: 68rem)').matches ? 'engine' : undefined
    this.#open(before === undefined ? first : ids.find((id) => id === before))
  }

  #open(open: Id | undefined): void {
    for (const id of ids) {
      byId(id, HTMLElement).hidden = id !== open
      byId(`show-${id}`, HTMLButtonElement).setAttribute('aria-expanded', `${id === open}`)
    }
    this.#onChange()
  }

  /** Escape leaves a panel, to the button that opened it. */
  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || !(event.target instanceof Element)) return
    const panel = event.target.closest('.panel')
    const id = ids.find((one) => one === panel?.id)
    if (id === undefined) return
    this.#open(undefined)
    keep(name, '')
    byId(`show-${id}`, HTMLButtonElement).focus()
  }
}
