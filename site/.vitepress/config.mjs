// The site is made of the Markdown that the repository has, where it stands, and of the reference
// that TypeDoc writes to site/reference from the types.

import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { anchorOf, repositoryLinks } from './links.mjs'
import { sidebar } from './sidebar.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(fs.readFileSync(`${root}/package.json`, 'utf8'))
const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '')
const reference = JSON.parse(
  fs.readFileSync(new URL('../reference/typedoc-sidebar.json', import.meta.url), 'utf8'),
)

/** Folders whose Markdown is not for readers of the site. */
const otherFolders = fs
  .readdirSync(root, { withFileTypes: true })
  .filter(
    (entry) => entry.isDirectory() && !['docs', 'examples', 'models', 'site'].includes(entry.name),
  )
  .map(({ name }) => `${name}/**`)

const isPage = (/** @type {string} */ file) =>
  file.endsWith('.md') && (!file.includes('/') || /^(docs|examples|models)\//.test(file))

/** Pages stand outside of this folder, where no node_modules has Vue: it is looked up from here. */
const vueOfTheSite = {
  name: 'vue-of-the-site',
  enforce: /** @type {const} */ ('pre'),
  /** @param {string} id @param {string | undefined} _ @param {{ ssr?: boolean }} how */
  resolveId(id, _, { ssr }) {
    return ssr && /^vue(\/|$)/.test(id) ? { id, external: true } : undefined
  },
}

export default defineConfig({
  title: 'Sluice',
  description: manifest.description,
  lang: 'en',
  base: process.env.SITE_BASE ?? '/',
  srcDir: '..',
  srcExclude: otherFolders,
  outDir: '.vitepress/dist',
  rewrites: {
    'README.md': 'index.md',
    'docs/README.md': 'docs/index.md',
    'examples/README.md': 'examples/index.md',
    'models/README.md': 'models/index.md',
    'site/reference/:page*': 'reference/:page*',
  },
  cleanUrls: true,
  lastUpdated: false,
  head: [['link', { rel: 'icon', href: 'data:,' }]], // none, rather than one that is not there
  markdown: {
    anchor: { slugify: anchorOf },
    attrs: { disable: true }, // `## GET /v1/models/{id}` has no attribute `id`
    config: (markdown) => {
      repositoryLinks(markdown, { root, repository, isPage })
      // Blocks without a fence look, and scroll, like those with one.
      const { rules } = markdown.renderer
      rules.code_block = (...block) => rules.fence?.(...block) ?? ''
    },
  },
  vite: {
    server: { fs: { allow: [root] } },
    plugins: [vueOfTheSite],
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Getting started', link: '/docs/getting-started' },
      { text: 'In a program', link: '/docs/program' },
      { text: 'As a server', link: '/docs/serving' },
      { text: 'Reference', link: '/reference/' },
    ],
    sidebar: [
      ...sidebar,
      { text: 'Reference', link: '/reference/', collapsed: true, items: reference },
    ],
    socialLinks: [{ icon: 'github', link: repository }],
    footer: { message: 'MIT. Every example of these pages is run by a test.' },
  },
})
