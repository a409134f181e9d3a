// Module hooks for trace-path.mjs: each function of our own modules tells, as it is entered, which
// file it is in.

import { fileURLToPath } from 'node:url'
import ts from 'typescript'

let root = ''

/** @param {{ dist: string }} data the folder of our modules, as a URL that ends in a slash */
export function initialize({ dist }) {
  root = dist
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  const loaded = await next(url, context)
  if (!url.startsWith(root) || !url.endsWith('.js')) return loaded
  const name = url.slice(root.length).replace(/\.js$/, '.ts')
  return { ...loaded, source: telling(String(loaded.source), name, fileURLToPath(url)) }
}

/**
 * The same program, whose functions call `onFunction` first.
 * @param {string} text
 * @param {string} name what they tell
 * @param {string} file
 */
function telling(text, name, file) {
  /** @type {[at: number, what: string][]} */
  const inserts = []
  const call = `globalThis.onFunction?.(${JSON.stringify(name)})`
  /** @param {ts.Node} node */
  const visit = (node) => {
    const body =
      ts.isFunctionLike(node) && 'body' in node
        ? /** @type {ts.ConciseBody | undefined} */ (node.body)
        : undefined
    if (body !== undefined) {
      if (ts.isBlock(body)) inserts.push([body.getStart() + 1, `${call};`])
      else inserts.push([body.getStart(), `(${call},`], [body.getEnd(), ')'])
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  // Of two at one place the later one is the inner function's.
  const ordered = inserts.map(([at, what], i) => ({ at, what, i }))
  ordered.sort((a, b) => a.at - b.at || a.i - b.i)
  let from = 0
  let written = ''
  for (const { at, what } of ordered) {
    written += text.slice(from, at) + what
    from = at
  }
  return written + text.slice(from)
}
