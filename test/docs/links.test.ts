import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { sidebar } from '../../site/.vitepress/sidebar.mjs'
import { blocksOf, firstPages, pages, programLanguages } from '../support/docs/blocks.js'
import { anchorsOf, linksOf } from '../support/docs/links.js'

// Pages are read in the repository, in the package (on npm's page too) and on the site.

const all = [...pages(), 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'models/README.md']

describe.each(all)('%s', (page) => {
  const links = linksOf(readFileSync(page, 'utf8')).map((link) => {
    const [name = '', anchor] = link.split('#')
    return { file: name === '' ? page : path.join(path.dirname(page), name), anchor }
  })

  test('links to files that are there', () => {
    expect(links.map(({ file }) => file).filter((file) => !existsSync(file))).toEqual([])
  })

  test('links to headings that are there', () => {
    const ofPages = links.filter(({ file }) => file.endsWith('.md') && existsSync(file))
    const missing = ofPages.filter(({ file, anchor }) => {
      return anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor)
    })
    expect(missing).toEqual([])
  })
})

const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] }

/** Whether the package has it: npm takes the manifest, README and license by itself. */
function isPacked(file: string): boolean {
  if (['README.md', 'LICENSE', 'package.json'].includes(file)) return true
  return files.some((pattern) => {
    const plain = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*')
    return new RegExp(`^${plain}(/|$)`).test(file)
  })
}

test('README.md links to nothing that the package lacks', () => {
  const links = linksOf(readFileSync('README.md', 'utf8')).map(
    (link) => link.split('#')[0] || 'README.md',
  )
  expect(links.length).toBeGreaterThan(10)
  expect(links.filter((file) => !isPacked(file))).toEqual([])
})

test('every page of docs/ is in its index, and in no folder that is not packed', () => {
  const index = linksOf(readFileSync('docs/README.md', 'utf8')).map((link) => `docs/${link}`)
  const inner = readdirSync('docs/internals').map((name) => `docs/internals/${name}`)
  const pagesOfDocs = pages().filter(
    (page) => page.startsWith('docs/') && page !== 'docs/README.md',
  )
  expect([...pagesOfDocs, ...inner].filter((page) => !index.includes(page))).toEqual([])
  expect(pagesOfDocs.filter((page) => !isPacked(page))).toEqual([])
})

test('the sidebar of the site has every page of the index, in the same group', () => {
  // without "Words"
  const groups = readFileSync('docs/README.md', 'utf8').split(/^## /m).slice(1, -1)
  expect(groups.length).toBe(sidebar.length)
  const missing = groups.flatMap((group, index) => {
    const { items = [] } = sidebar[index] ?? {}
    const addresses = items.map(({ link }) => link)
    const wanted = linksOf(group).map((link) => {
      return path.posix
        .join('/docs', link)
        .replace(/\.md$/, '')
        .replace(/README$/, '')
    })
    return wanted.filter((address) => !addresses.includes(address))
  })
  expect(missing).toEqual([])
})

test('every block of the docs has a language, so that none is left unrun by mistake', () => {
  const data = [
    'json',
    'jsonc',
    'html',
    'nginx',
    'ini',
    'dockerfile',
    'yaml',
    'text',
    'diff',
    'toml',
  ]
  const blocks = pages().flatMap((page) => blocksOf(page))
  const looksRun = /^\s*(import|const|await|npx|npm|node|curl|\$) /m
  const other = blocks.filter(({ language, code }) => {
    const isData = data.includes(language) || (language === '' && !looksRun.test(code))
    return !programLanguages.has(language) && !isData
  })
  expect(other.map(({ page, line }) => `${page}:${line}`)).toEqual([])
  const json = blocks.filter(({ language }) => language === 'json')
  for (const { code } of json) expect(() => JSON.parse(code)).not.toThrow()
})

test('no block of the docs is indented in place of having a fence and a language', () => {
  const indented = pages().filter((page) => {
    const prose = readFileSync(page, 'utf8').replace(/^ *```[\s\S]*?^ *```$/gm, '')
    return /(^|\n\n)(?! *[-*\d])[^\n]*\n\n {4}\S/.test(prose)
  })
  expect(indented).toEqual([])
})

test('lines of code of the first pages fit the width of the site', () => {
  const blocks = firstPages.flatMap((page) => blocksOf(page))
  const shown = blocks.filter(({ language }) => /^([cm]?[jt]s|html)$/.test(language))
  const wide = shown.flatMap(({ page, code }) => {
    const lines = code.split('\n').filter((line) => line.length > 84)
    return lines.map((line) => `${page}: ${line}`)
  })
  expect(wide).toEqual([])
})

describe('blocks and links of a page', () => {
  const page = [
    '# A (b), `c`: d',
    '<a id="own"></a>Text',
    '[one](a.md#b) ![two](c.svg) [three](https://example.com)',
    '<!-- not run: why -->',
    '```js',
    'f("[four](d.md)")',
    '```',
    '- item',
    '  ```bash',
    '  ls',
    '  ```',
  ].join('\n')

  test('are found, those within lists too', () => {
    expect(blocksOf('a.md', page)).toEqual([
      { page: 'a.md', line: 5, language: 'js', code: 'f("[four](d.md)")\n', mark: 'not run: why' },
      { page: 'a.md', line: 9, language: 'sh', code: 'ls\n', mark: undefined },
    ])
    expect(linksOf(page)).toEqual(['a.md#b', 'c.svg'])
    expect(anchorsOf(page)).toEqual(['a-b-c-d', 'own'])
  })
})
