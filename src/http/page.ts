import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { BundledError } from '../binding/bundled-error.js'
import { packageRoot } from '../binding/package-root.js'
import { type AnswerHeaders, type WholeAnswer, whole } from '../web/answer.js'

let made: WholeAnswer | undefined

/**
 * The page for browsers: one file of the package (src/page, bundled by scripts/support/bundle-page)
 * that is read when it is first asked for. Undefined within a bundle, which has no such file.
 */
export function page(): WholeAnswer | undefined {
  if (made !== undefined) return made
  const html = fileOf()
  if (html === undefined) return undefined
  made = whole(200, 'text/html; charset=utf-8', html, headersOf(html))
  return made
}

function fileOf(): string | undefined {
  try {
    return readFileSync(path.join(packageRoot(), 'dist/page/index.html'), 'utf8')
  } catch (error) {
    if (error instanceof BundledError) return undefined
    throw error
  }
}

/** Nothing is loaded but what is in the file, and no page of others may show it. */
function headersOf(html: string): AnswerHeaders {
  return {
    'content-security-policy': [
      "default-src 'none'",
      `script-src ${hashesOf(html, 'script')}`,
      `style-src ${hashesOf(html, 'style')}`,
      'img-src data:', // its icon
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      // What a model writes cannot become markup, whatever the page's code does with it.
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache',
    vary: 'origin, accept',
  }
}

/** Of the texts of all elements of that name, which have no attributes. */
function hashesOf(html: string, name: 'script' | 'style'): string {
  const [, ...behind] = html.split(`<${name}>`)
  const texts = behind.map((text) => text.slice(0, text.indexOf(`</${name}>`)))
  return texts
    .map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    .join(' ')
}
