import { Random } from '../models/random-weights.js'

/** Writes random texts of a grammar in GBNF, as our compiler of schemas writes it. */

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'class'; ranges: [number, number][] }
  | { kind: 'rule'; name: string }
  | { kind: 'sequence'; items: Node[] }
  | { kind: 'choice'; options: Node[] }
  | { kind: 'repeat'; item: Node; min: number; max: number }

export class GrammarSampler {
  readonly #rules = new Map<string, Node>()
  /** The fewest characters of each rule. */
  readonly #least = new Map<string, number>()
  readonly #random: Random
  readonly #word = new Uint32Array(1)
  #left = 0

  constructor(grammar: string, seed: number) {
    for (const line of grammar.split('\n')) {
      const [, name = '', expression = ''] = /^(\w+) ::= (.*)$/s.exec(line) ?? []
      this.#rules.set(name, new Reader(expression).read())
    }
    for (let isMoving = true; isMoving; ) {
      isMoving = false
      for (const [name, node] of this.#rules) {
        const least = this.#leastOf(node)
        if (least < (this.#least.get(name) ?? Number.POSITIVE_INFINITY)) {
          this.#least.set(name, least)
          isMoving = true
        }
      }
    }
    this.#random = new Random(seed)
  }

  /** Whether some text of the grammar comes to an end. */
  get canEnd(): boolean {
    return Number.isFinite(this.#least.get('root') ?? Number.POSITIVE_INFINITY)
  }

  /** A text that ends as soon as it can once it has so many characters. */
  sample(about: number): string {
    this.#left = about
    return this.#write({ kind: 'rule', name: 'root' })
  }

  #leastOf(node: Node): number {
    switch (node.kind) {
      case 'text':
        return node.text.length
      case 'class':
        return node.ranges.length === 0 ? Number.POSITIVE_INFINITY : 1
      case 'rule':
        return this.#least.get(node.name) ?? Number.POSITIVE_INFINITY
      case 'sequence':
        return node.items.reduce((sum, item) => sum + this.#leastOf(item), 0)
      case 'choice':
        return Math.min(...node.options.map((option) => this.#leastOf(option)))
      case 'repeat':
        return node.min === 0 ? 0 : node.min * this.#leastOf(node.item)
    }
  }

  #upTo(count: number): number {
    this.#random.fill(this.#word)
    return (this.#word[0] as number) % count
  }

  #write(node: Node): string {
    switch (node.kind) {
      case 'text':
        this.#left -= node.text.length
        return node.text
      case 'class':
        return this.#character(node.ranges)
      case 'rule':
        return this.#write(this.#rules.get(node.name) as Node)
      case 'sequence':
        return node.items.map((item) => this.#write(item)).join('')
      case 'choice':
        return this.#write(this.#option(node.options))
      case 'repeat': {
        const least = this.#leastOf(node.item)
        const room = this.#left <= 0 || !Number.isFinite(least) ? 0 : this.#upTo(6)
        // Now and then as often as may be: what is counted wrongly shows at the end.
        const isMost = node.max < 70 && this.#left > 0 && this.#upTo(8) === 0
        const times = isMost ? node.max : Math.min(node.max, node.min + room)
        return Array.from({ length: times }, () => this.#write(node.item)).join('')
      }
    }
  }

  #option(options: readonly Node[]): Node {
    const lengths = options.map((option) => this.#leastOf(option))
    const least = Math.min(...lengths)
    const usable = options.filter((_, i) => {
      return this.#left > 0 ? Number.isFinite(lengths[i]) : lengths[i] === least
    })
    return usable[this.#upTo(usable.length)] as Node
  }

  #character(ranges: readonly [number, number][]): string {
    this.#left--
    // The first range is mostly letters; others are tried as well.
    const [first, last] = ranges[this.#upTo(ranges.length)] as [number, number]
    const span = Math.min(last - first + 1, this.#upTo(4) === 0 ? last - first + 1 : 96)
    const codePoint = first + this.#upTo(span)
    return String.fromCodePoint(codePoint >= 0xd800 && codePoint <= 0xdfff ? first : codePoint)
  }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): Node {
    const node = this.#choice()
    if (this.#at < this.#text.length) throw new Error(`at ${this.#text.slice(this.#at, 40)}`)
    return node
  }

  #choice(): Node {
    const options: Node[] = [this.#sequence()]
    while (this.#take('|')) options.push(this.#sequence())
    return { kind: 'choice', options }
  }

  #sequence(): Node {
    const items: Node[] = []
    for (;;) {
      while (this.#take(' '));
      const next = this.#text[this.#at]
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', items }
      items.push(this.#repeated(this.#item()))
    }
  }

  #item(): Node {
    if (this.#take('"')) return this.#literal()
    if (this.#take('[')) return this.#class()
    if (this.#take('(')) {
      const node = this.#choice()
      if (!this.#take(')')) throw new Error(') is missing')
      return node
    }
    const [name = ''] = /^\w+/.exec(this.#text.slice(this.#at)) ?? []
    if (name === '') throw new Error(`what is ${this.#text.slice(this.#at, this.#at + 20)}`)
    this.#at += name.length
    return { kind: 'rule', name }
  }

  #repeated(item: Node): Node {
    const max = Number.POSITIVE_INFINITY
    if (this.#take('*')) return { kind: 'repeat', item, min: 0, max }
    if (this.#take('+')) return { kind: 'repeat', item, min: 1, max }
    if (this.#take('?')) return { kind: 'repeat', item, min: 0, max: 1 }
    const bounds = /^\{(\d+)(,?)(\d*)\}/.exec(this.#text.slice(this.#at, this.#at + 16))
    if (bounds === null) return item
    this.#at += bounds[0].length
    const min = Number(bounds[1])
    const most = bounds[2] === '' ? min : bounds[3] === '' ? max : Number(bounds[3])
    return { kind: 'repeat', item, min, max: most }
  }

  #literal(): Node {
    let text = ''
    while (!this.#take('"')) text += String.fromCodePoint(this.#codePoint())
    return { kind: 'text', text }
  }

  #class(): Node {
    const isInverse = this.#take('^')
    const ranges: [number, number][] = []
    while (!this.#take(']')) {
      const first = this.#codePoint()
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
      if (isRange) this.#at++
      ranges.push([first, isRange ? this.#codePoint() : first])
    }
    if (!isInverse) return { kind: 'class', ranges }
    const free: [number, number][] = []
    let from = 0
    for (const [first, last] of ranges.sort(([a], [b]) => a - b)) {
      if (first > from) free.push([from, first - 1])
      from = Math.max(from, last + 1)
    }
    return { kind: 'class', ranges: [...free, [from, 0x10ffff]] }
  }

  #codePoint(): number {
    const codePoint = this.#text.codePointAt(this.#at) ?? 0
    this.#at += codePoint > 0xffff ? 2 : 1
    if (codePoint !== 0x5c) return codePoint
    const kind = this.#text[this.#at++] as string
    const digits = { x: 2, u: 4, U: 8 }[kind]
    const plain = { n: 0x0a, t: 0x09, r: 0x0d }[kind]
    if (digits === undefined) return plain ?? (kind.codePointAt(0) as number)
    const value = Number.parseInt(this.#text.slice(this.#at, this.#at + digits), 16)
    this.#at += digits
    return value
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }
}
