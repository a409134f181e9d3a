import type { MarkedToken, Token, Tokens } from 'marked'
import { copyButton, el } from '../dom.js'

/**
 * Markdown's tokens as nodes. Each is made by itself, so HTML that a model writes is text, an image
 * is a link to it, which nothing loads, and a link is to the web or to an address of mail.
 */
export function nodesOf(tokens: readonly Token[]): Node[] {
  if (depth === depthMax) return [textOf(tokens.map(({ raw }) => raw).join(''))]
  depth++
  const nodes = tokens.flatMap((token) => nodesOfOne(token as MarkedToken))
  depth--
  return nodes
}

/** Of lists, quotes and marks within each other: what is deeper is shown as it is written. */
const depthMax = 40
let depth = 0

function nodesOfOne(token: MarkedToken): Node[] {
  switch (token.type) {
    case 'space':
    case 'def':
      return []
    case 'heading':
      // The page has headings of its own: those of a reply come below them.
      return [el(`h${Math.min(6, token.depth + 2)}` as 'h3', {}, ...nodesOf(token.tokens))]
    case 'paragraph':
      return [el('p', {}, ...nodesOf(token.tokens))]
    case 'blockquote':
      return [el('blockquote', {}, ...nodesOf(token.tokens))]
    case 'hr':
      return [el('hr')]
    case 'code':
      return [codeBlock(token)]
    case 'list':
      return [list(token)]
    case 'table':
      return [table(token)]
    default:
      return inlineOf(token)
  }
}

function inlineOf(token: MarkedToken): Node[] {
  switch (token.type) {
    case 'strong':
      return [el('strong', {}, ...nodesOf(token.tokens))]
    case 'em':
      return [el('em', {}, ...nodesOf(token.tokens))]
    case 'del':
      return [el('del', {}, ...nodesOf(token.tokens))]
    case 'codespan':
      return [el('code', { text: token.text })]
    case 'br':
      return [el('br')]
    case 'link':
      return [link(token.href, nodesOf(token.tokens))]
    case 'image':
      return [link(token.href, [document.createTextNode(token.text || 'image')])]
    case 'html':
      return /^<br ?\/?>$/i.test(token.raw.trim()) ? [el('br')] : [textOf(token.raw)]
    case 'text':
      return token.tokens === undefined ? [textOf(decoded(token.text))] : nodesOf(token.tokens)
    case 'escape':
      return [textOf(token.text)]
    default:
      return [textOf(token.raw)]
  }
}

const textOf = (text: string) => document.createTextNode(text)

function codeBlock({ text, lang = '' }: Tokens.Code): Node {
  const code = el('code', { text })
  const name = lang.split(/\s/, 1)[0] ?? ''
  const head = el('div', { class: 'code-head' }, el('span', { text: name }))
  head.append(copyButton(() => code.textContent ?? '', 'Copy this code'))
  return el('div', { class: 'code' }, head, el('pre', { attributes: { tabindex: '0' } }, code))
}

function list({ ordered, start, items }: Tokens.List): Node {
  const made = el(ordered ? 'ol' : 'ul')
  if (ordered && typeof start === 'number' && start !== 1) made.setAttribute('start', `${start}`)
  for (const { task, checked, tokens } of items) {
    const item = el('li', task ? { class: 'task' } : {})
    if (task) item.append(checked ? '☑ ' : '☐ ')
    item.append(...nodesOf(tokens.filter(({ type }) => type !== 'checkbox')))
    made.append(item)
  }
  return made
}

function table({ header, rows, align }: Tokens.Table): Node {
  const row = (name: 'th' | 'td', cells: readonly Tokens.TableCell[]) => {
    const made = cells.map(({ tokens }, i) => {
      const side = align[i]
      return el(name, side ? { class: `to-${side}` } : {}, ...nodesOf(tokens))
    })
    return el('tr', {}, ...made)
  }
  const head = el('thead', {}, row('th', header))
  const body = el('tbody', {}, ...rows.map((cells) => row('td', cells)))
  const scrolls = { class: 'table', attributes: { tabindex: '0' } }
  return el('div', scrolls, el('table', {}, head, body))
}

/** To anything else than the web it is no link: its address is shown instead. */
function link(href: string, children: Node[]): Node {
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return el('span', {}, ...children, ` (${href})`)
  return el(
    'a',
    { title: href, attributes: { href, target: '_blank', rel: 'noopener noreferrer' } },
    ...children,
  )
}

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
}

/** The entities that models write; others stay as they are. */
export function decoded(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,6}));/gi,
    (all, decimal, hex, name) => {
      if (name !== undefined) return named[name] ?? all
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
    },
  )
}
