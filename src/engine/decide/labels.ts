import { InvalidRequestError } from '../../api/errors.js'

/** What stands for an answer: a text, and the tokens that write it at the answer's beginning. */
export interface Label {
  readonly text: string
  /** One at least. Which of them the model takes makes no difference. */
  readonly tokens: readonly number[]
}

/** Tokens whose pieces are asked for at once: others' texts come in between. */
const piecesAtOnce = 4096

const upper = Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i))
const lower = upper.map((letter) => letter.toLowerCase())
const pairs = (letters: readonly string[]) => letters.flatMap((a) => letters.map((b) => a + b))
const digits = Array.from({ length: 1000 }, (_, i) => String(i))

/** The texts that may be labels of options, in the order in which they are taken. */
const optionTexts = [...upper, ...pairs(upper), ...lower, ...pairs(lower), ...digits]
const yesAndNo = [
  ['yes', 'no'],
  ['Yes', 'No'],
  ['YES', 'NO'],
] as const

const looked = new Set([...optionTexts, ...yesAndNo.flat()])

/** Which labels a vocabulary has: texts that one token writes, alone or behind a blank. */
export class Labels {
  readonly #tokens = new Map<string, number[]>()
  /** Texts that are tokens alone, and those that are behind a blank. */
  #alone: readonly string[] = []
  #behind: readonly string[] = []
  readonly #byCount = new Map<number, readonly Label[]>()

  /**
   * Looks through a vocabulary, once for each engine.
   * @param piecesOf the bytes of each of these tokens
   */
  static async of(
    vocabulary: number,
    piecesOf: (tokens: Int32Array) => Promise<Uint8Array[]>,
  ): Promise<Labels> {
    const labels = new Labels()
    for (let first = 0; first < vocabulary; first += piecesAtOnce) {
      const count = Math.min(piecesAtOnce, vocabulary - first)
      const pieces = await piecesOf(Int32Array.from({ length: count }, (_, i) => first + i))
      for (const [i, piece] of pieces.entries()) labels.#note(first + i, piece)
    }
    labels.#alone = labels.#texts('')
    labels.#behind = labels.#texts(' ')
    return labels
  }

  #note(token: number, { buffer, byteOffset, length }: Uint8Array): void {
    if (length > 4) return
    const text = Buffer.from(buffer, byteOffset, length).toString('latin1')
    if (!looked.has(text.startsWith(' ') ? text.slice(1) : text)) return
    const there = this.#tokens.get(text)
    if (there === undefined) this.#tokens.set(text, [token])
    else there.push(token)
  }

  /** Labels of a yes and a no, each in as many ways as the other; none where it has no such. */
  yesAndNo(): readonly [yes: Label, no: Label] | undefined {
    const yes: number[] = []
    const no: number[] = []
    for (const [a, b] of yesAndNo) {
      for (const blank of ['', ' ']) {
        const [as, bs] = [this.#tokens.get(blank + a), this.#tokens.get(blank + b)]
        if (as === undefined || bs === undefined) continue
        yes.push(...as)
        no.push(...bs)
      }
    }
    if (yes.length === 0) return undefined
    return [
      { text: 'yes', tokens: yes },
      { text: 'no', tokens: no },
    ]
  }

  /**
   * So many labels of options, all written in the same ways: alone, behind a blank, or both. So
   * none has more ways to be said than another.
   * @param option what has that many options, for the error
   * @throws InvalidRequestError where there are not so many
   */
  ofOptions(count: number, option: string): readonly Label[] {
    const most = Math.max(this.#alone.length, this.#behind.length)
    if (most < count) throw tooFew(count, most, option)
    const labels = this.#byCount.get(count) ?? this.#made(count)
    this.#byCount.set(count, labels)
    return labels
  }

  #made(count: number): readonly Label[] {
    const list = this.#alone.length >= count ? this.#alone : this.#behind
    const texts = list.slice(0, count)
    const blanks = ['', ' '].filter((blank) =>
      texts.every((text) => this.#tokens.has(blank + text)),
    )
    return texts.map((text) => {
      return { text, tokens: blanks.flatMap((blank) => this.#tokens.get(blank + text) ?? []) }
    })
  }

  #texts(blank: string): string[] {
    return optionTexts.filter((text) => this.#tokens.has(blank + text))
  }
}

function tooFew(count: number, most: number, option: string): InvalidRequestError {
  return new InvalidRequestError(
    `'${option}': expected at most ${most} options, but got ${count}: each needs a label of one ` +
      'token, and the vocabulary of this model has no more.',
    { option },
  )
}
