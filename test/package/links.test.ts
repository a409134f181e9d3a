import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
/** Read in the repository alone. */
const notPacked = /^(?:src|test|site|scripts|bench)\/|^(?:ARCHITECTURE|CONTRIBUTING)\.md$/

/** Relative links and images of a page, without their anchors. */
function linksOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```/gm, '')
  const links = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)]
  const targets = links.map(([, link, attribute]) => `${link ?? attribute}`.replace(/#.*/, ''))
  return [...new Set(targets)].filter((link) => link !== '' && !/^[a-z]+:/.test(link))
}

test('the package says where its repository, its page and its issues are', () => {
  expect(manifest).toMatchObject({
    repository: { type: 'git', url: `git+${address}.git` },
    homepage: `${address}#readme`,
    bugs: `${address}/issues`,
  })
})

describe('the links of README.md', () => {
  const links = linksOf('README.md')

  test('lead to files of the repository', () => {
    expect(links.length).toBeGreaterThan(10)
    expect(links.filter((link) => !existsSync(link))).toEqual([])
  })

  test('lead to files of the package, but for those of who works on it', () => {
    const own = links.filter((link) => !notPacked.test(link))
    expect(own.filter((link) => !existsSync(path.join(home, link)))).toEqual([])
  })
})
