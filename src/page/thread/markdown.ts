import { Lexer, type Token } from 'marked'
import { el } from '../dom.js'
import { nodesOf } from './markdown-nodes.js'

/** Of a block: a longer one is shown as it is written, because it is read anew with each piece. */
const blockCharsMax = 32 * 1024
/** Milliseconds that reading it may take, as brackets within brackets do. */
const readMsMax = 100

/**
 * A text as it comes, shown as Markdown. What stands before its last block is made once: each new
 * piece reads that block alone, so a long reply costs no more than a short one.
 */
export class MarkdownView {
  readonly element = el('div', { class: 'prose' })
  /** Text from the beginning of the last block on. */
  #tail = ''
  /** The nodes of that block. */
  #open: Node[] = []
  #isPlain = false

  append(text: string): void {
    this.#tail += text
    const tokens = this.#read()
    const last = tokens.findLastIndex(({ type }) => type !== 'space')
    const closed = tokens.slice(0, Math.max(0, last))
    const open = tokens.slice(Math.max(0, last))
    if (closed.length === 0 && this.#growCode(open)) return
    for (const node of this.#open) (node as ChildNode).remove()
    this.#open = nodesOf(open)
    this.element.append(...nodesOf(closed), ...this.#open)
    this.#tail = this.#tail.slice(closed.reduce((sum, { raw }) => sum + raw.length, 0))
  }

  #read(): Token[] {
    if (this.#isPlain) return asWritten(this.#tail)
    const start = performance.now()
    const tokens = lexed(this.#tail)
    const isSlow = performance.now() - start > readMsMax && this.#tail.length > 1000
    const isLong = this.#tail.length > blockCharsMax && tokens?.at(-1)?.type !== 'code'
    this.#isPlain = tokens === undefined || isSlow || isLong
    return tokens ?? asWritten(this.#tail)
  }

  /** Of code only the new text is added: whoever reads it keeps place and selection. */
  #growCode([token]: readonly Token[]): boolean {
    const [node] = this.#open
    if (token?.type !== 'code' || !(node instanceof HTMLElement)) return false
    const code = node.querySelector('pre > code')
    const before = code?.textContent ?? ''
    if (code === null || !(token.text as string).startsWith(before) || before === '') return false
    code.append((token.text as string).slice(before.length))
    return true
  }
}

/** Undefined where brackets or quotes are deeper than its reader can go. */
function lexed(text: string): Token[] | undefined {
  try {
    return new Lexer({ gfm: true }).lex(text)
  } catch {
    return undefined
  }
}

function asWritten(text: string): Token[] {
  return [{ type: 'code', raw: text, text }]
}
