import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../scripts/support/run.mjs'
import { pages } from '../support/docs/blocks.js'
import { deadLinks, sitePages } from '../support/docs/site.js'

// The site as `npm run docs:site` builds it. VitePress refuses links to pages that are not there;
// the rest is looked up here, without a network.

const dist = path.resolve('site/.vitepress/dist')

beforeAll(async () => {
  rmSync(dist, { recursive: true, force: true })
  const { status, output } = await run(process.execPath, ['scripts/docs-site.mjs'], { quiet: true })
  if (status !== 0) throw new Error(output)
})

test('no link within the site leads nowhere, to a page or to a heading', () => {
  expect(sitePages(dist).size).toBeGreaterThan(80)
  expect(deadLinks(dist)).toEqual([])
})

test('every page is in the sidebar', () => {
  const page = sitePages(dist).get('/docs/errors') ?? ''
  const [, sidebar = ''] = /<aside class="VPSidebar"([\s\S]*?)<\/aside>/.exec(page) ?? []
  const listed = [...sidebar.matchAll(/href="([^"]+)"/g)].map(([, address]) => address)
  const missing = [...sitePages(dist).keys()].filter((address) => !listed.includes(address))
  expect(missing).toEqual([])
})

test('the reference has what the package exports', () => {
  const addresses = [...sitePages(dist).keys()].join('\n')
  for (const name of ['load', 'estimate', 'Engine', 'Reply', 'ChatOptions', 'createServer']) {
    expect(addresses).toMatch(new RegExp(`^/reference/.*/${name}$`, 'm'))
  }
})

test('headings have the braces that their Markdown has', () => {
  const headings = pages().flatMap((page) => {
    const found = readFileSync(page, 'utf8').matchAll(/^#+ ([^`\n]*\{.*)$/gm)
    return [...found].map(([, heading = '']) => ({ page, heading }))
  })
  expect(headings.length).toBeGreaterThan(5)
  const missing = headings.filter(({ page, heading }) => {
    const html = sitePages(dist).get(`/${page.replace(/\.md$/, '')}`) ?? ''
    return !html.includes(`>${heading} <a class="header-anchor"`)
  })
  expect(missing).toEqual([])
})

test('links to files of the repository lead to the web', () => {
  const page = sitePages(dist).get('/examples/') ?? ''
  expect(page).toMatch(/href="https:\/\/[^"]+\/blob\/main\/examples\/chat\.mjs"/)
})

test('words of the pages and of the reference are in the index of its search', () => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  const index = files.filter((file) => /localSearchIndex.*\.js$/.test(file))
  const words = index.map((file) => readFileSync(path.join(dist, file), 'utf8')).join('\n')
  for (const word of ['/docs/errors#', '/reference/', 'cachedtokens']) {
    expect(words.toLowerCase()).toContain(word)
  }
})

describe('the check of links', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-site-'))
  mkdirSync(path.join(folder, 'docs'))
  const page = (name: string, html: string) => writeFileSync(path.join(folder, name), html)

  test('finds pages, headings and files that are not there', () => {
    page('index.html', '<a href="/docs/a#b">x</a><a href="/docs/c">x</a><img src="/d.svg">')
    page('docs/a.html', '<h1 id="z">z</h1><a href="../">x</a><a href="#z">x</a><a href="#y">x</a>')
    expect(deadLinks(folder)).toEqual([
      '/ -> /docs/a#b',
      '/ -> /docs/c',
      '/ -> /d.svg',
      '/docs/a -> #y',
    ])
    rmSync(folder, { recursive: true })
  })
})
