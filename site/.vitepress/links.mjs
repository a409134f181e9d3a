import fs from 'node:fs'
import path from 'node:path'

/**
 * A markdown-it plugin. Pages are written to be read in the repository too, so they link to its
 * files: those that are no page of the site lead to the repository on the web.
 *
 * @param {import('markdown-it').default} markdown
 * @param {{ root: string, repository: string, isPage: (file: string) => boolean }} site `file` is
 *   relative to `root`, the repository's folder
 */
export function repositoryLinks(markdown, { root, repository, isPage }) {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null
        if (href !== null) token.attrSet('href', onTheSite(href, path.dirname(env.path)))
      }
    }
  })

  /** @param {string} href @param {string} folder of the page that it stands in */
  function onTheSite(href, folder) {
    if (/^([a-z]+:|#|\/)/.test(href)) return href
    const [name = '', anchor] = href.split('#')
    const place = path.resolve(folder, name)
    const file = path.relative(root, place).split(path.sep).join('/')
    if (isPage(file)) return href.replace(/README\.md/, 'index.md')
    if (!fs.existsSync(place)) return href // VitePress reports it
    const kind = fs.statSync(place).isDirectory() ? 'tree' : 'blob'
    return `${repository}/${kind}/main/${file}${anchor === undefined ? '' : `#${anchor}`}`
  }
}

/**
 * The anchor of a heading, as GitHub makes it: the pages are read there too.
 * @param {string} title
 */
export function anchorOf(title) {
  const plain = title.trim().toLowerCase()
  return plain.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-')
}
