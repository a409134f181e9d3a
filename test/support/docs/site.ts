import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The pages of a built site, by their addresses without a host. */
export function sitePages(dist: string): Map<string, string> {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  const pages = files.filter((file) => file.endsWith('.html') && file !== '404.html')
  return new Map(
    pages.map((file) => [addressOf(file), readFileSync(path.join(dist, file), 'utf8')]),
  )
}

function addressOf(file: string): string {
  const plain = `/${file.split(path.sep).join('/')}`.replace(/\.html$/, '')
  return plain.replace(/(^|\/)index$/, '$1')
}

/** Links within the site that lead nowhere: `PAGE -> ADDRESS`. */
export function deadLinks(dist: string): string[] {
  const pages = sitePages(dist)
  const anchors = new Map([...pages].map(([at, html]) => [at, new Set(valuesOf(html, 'id'))]))
  const isThere = (from: string, link: string) => {
    const { pathname, hash } = new URL(link, `https://site.invalid${from}`)
    const found = anchors.get(decodeURI(pathname))
    if (found === undefined) return existsSync(path.join(dist, pathname)) && !pathname.endsWith('/')
    return hash === '' || found.has(decodeURIComponent(hash.slice(1)))
  }
  return [...pages].flatMap(([from, html]) => {
    const links = [...valuesOf(html, 'href'), ...valuesOf(html, 'src')].map(plainText)
    const own = links.filter((link) => !/^([a-z]+:|\/\/)/.test(link))
    return own.filter((link) => !isThere(from, link)).map((link) => `${from} -> ${link}`)
  })
}

/** Values of an attribute, wherever it stands. */
function valuesOf(html: string, attribute: string): string[] {
  const found = html.matchAll(new RegExp(`<[a-z][^>]*?\\s${attribute}="([^"]*)"`, 'g'))
  return [...found].map(([, value = '']) => value)
}

function plainText(value: string): string {
  return value.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"')
}
