/** Characters of a tool's name. */
export const toolNameMax = 1024
/** Of a name as the model writes it. */
const shownMax = 128

/** Names that every chat template and grammar can write as they stand. */
const plain = /^[\w./:@+-]{1,128}$/

/**
 * The names of a request's tools, and those that the model is told: the same, but for names with
 * characters that a call's marks may be made of, or that are very long. Replies have the request's
 * names again.
 */
export class ToolNames {
  readonly #shown = new Map<string, string>()
  readonly #sent = new Map<string, string>()

  constructor(names: readonly string[]) {
    const taken = new Set(names.filter((name) => plain.test(name)))
    for (const name of names) {
      if (plain.test(name)) continue
      const shown = freeName(name, taken)
      taken.add(shown)
      this.#shown.set(name, shown)
      this.#sent.set(shown, name)
    }
  }

  /** Whether the model is told them all as they are. */
  get areSame(): boolean {
    return this.#shown.size === 0
  }

  /** What the model is told in a name's place. */
  shown(name: string): string {
    return this.#shown.get(name) ?? name
  }

  /** The request's name for what the model wrote. */
  sent(shown: string): string {
    return this.#sent.get(shown) ?? shown
  }
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  const decomposed = name.normalize('NFKD').replace(/\p{M}/gu, '')
  const base = decomposed.replace(/[^\w./:@+-]+/g, '_').slice(0, shownMax) || '_'
  for (let i = 1; ; i++) {
    const end = i === 1 ? '' : `_${i}`
    const shown = `${base.slice(0, shownMax - end.length)}${end}`
    if (!taken.has(shown)) return shown
  }
}
