import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { linksOf } from '../support/docs/links.js'
import { ScratchFolder } from '../support/packages/package.js'
import { unpackedPackage } from '../support/packages/package-copy.js'

// npm's page makes addresses in the repository of README's relative links; a reader of
// node_modules follows them to files.

const project = new ScratchFolder()
let home: string
beforeAll(async () => {
  home = (await unpackedPackage(project.root)).home
})
afterAll(() => project[Symbol.dispose]())

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const address = 'https://github.com/sluice-js/sluice'
test('the package says where its repository, its page and its issues are', () => {
  expect(manifest).toMatchObject({
    repository: { type: 'git', url: `git+${address}.git` },
    homepage: `${address}#readme`,
    bugs: `${address}/issues`,
  })
})

test('the links of README.md lead to files of the package', () => {
  const links = linksOf(readFileSync('README.md', 'utf8')).map((link) => link.replace(/#.*/, ''))
  const files = [...new Set(links)].filter((link) => link !== '')
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter((link) => !existsSync(path.join(home, link)))).toEqual([])
})
