import { byId, el } from './dom.js'
import { keep, kept } from './storage.js'
import type { ListedModel } from './wire.js'

const name = 'sluice-model'

/** Which model requests ask for: a choice where there are several, else its name. */
export class Models {
  readonly #place = byId('model', HTMLElement)
  readonly #onChoice: () => void
  #list: readonly ListedModel[] = []
  #chosen = kept(name) ?? ''

  constructor(onChoice: () => void) {
    this.#onChoice = onChoice
  }

  /** Of the model that is chosen; undefined before there is a list. */
  get current(): ListedModel | undefined {
    return this.#list.find(({ id }) => id === this.#chosen) ?? this.#list[0]
  }

  /** @param others names of models that are in the list by another name */
  show(all: readonly ListedModel[], others: ReadonlySet<string>): void {
    const own = all.filter(({ id }) => !others.has(id))
    const writing = own.filter(({ capabilities }) => capabilities?.includes('completion') ?? true)
    this.#list = writing
    if (writing.length > 1) this.#place.replaceChildren(this.#select())
    else this.#place.replaceChildren(el('span', { text: this.current?.id ?? '' }))
  }

  #select(): HTMLElement {
    const select = el('select', { label: 'Model' })
    for (const { id, state } of this.#list) {
      const text = state === 'loaded' ? id : `${id} (${stateWords[state]})`
      select.append(el('option', { text, attributes: { value: id } }))
    }
    select.value = this.current?.id ?? ''
    select.addEventListener('change', () => {
      this.#chosen = select.value
      keep(name, select.value)
      this.#onChoice()
    })
    return select
  }
}

const stateWords: Readonly<Record<ListedModel['state'], string>> = {
  loaded: 'loaded',
  loading: 'is being loaded',
  unloaded: 'loaded when asked',
  failed: 'did not load',
}
