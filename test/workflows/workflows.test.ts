import fs from 'node:fs'
import path from 'node:path'
import { validate } from '@actions/languageservice'
import { describe, expect, test } from 'vitest'
import { TextDocument } from 'vscode-languageserver-textdocument'

// No GitHub runner has run these files: GitHub's own language service reads them here, and what
// they call is looked up in package.json.

const root = path.resolve(import.meta.dirname, '../..')
const folder = path.join(root, '.github/workflows')
const files = fs.readdirSync(folder)
const read = (name: string) => fs.readFileSync(path.join(folder, name), 'utf8')

/** Each under a name of its own: the service remembers what it has read under one. */
let documents = 0
async function faults(text: string): Promise<string[]> {
  const uri = `file:///${documents++}/.github/workflows/a.yml`
  const found = await validate(TextDocument.create(uri, 'yaml', 0, text), {
    // What a workflow of ours calls is looked up beside it.
    fileProvider: {
      getFileContent: async (file) => {
        const name = path.basename(file.path)
        return { name, content: read(name) }
      },
    },
  })
  return found.map(({ range, message }) => `${range.start.line + 1}: ${message}`)
}

/** What the steps of a workflow run with npm. */
function scriptsIn(text: string): string[] {
  const named = [...text.matchAll(/\bnpm (?:run )?([\w:]+)/g)].map((match) => match[1] ?? '')
  return named.filter((name) => name !== 'ci' && name !== 'run')
}

describe.each(files)('%s', (name) => {
  const text = read(name)

  test("is a workflow by GitHub's schema", async () => {
    expect(await faults(text)).toEqual([])
  })

  test('calls scripts that package.json has', () => {
    const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
    const missing = scriptsIn(text.replace(/(^|\s)#.*$/gm, '')).filter((script) => !scripts[script])
    expect(missing).toEqual([])
  })

  test('may read and no more, unless a job says so', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n(?! )/m)
    expect(text).not.toMatch(/contents: write|write-all|secrets\./)
  })

  test('says that it was never run here', () => {
    expect(text).toMatch(/^# Never run here: /)
  })

  test("uses GitHub's own actions, by major version", () => {
    for (const [, used] of text.matchAll(/uses: (\S+)/g)) {
      expect(used).toMatch(/^(actions\/[\w-]+@v\d+|\.\/\.github\/workflows\/\w+\.yml)$/)
    }
  })
})

describe('the check of workflows', () => {
  test.each([
    ['a key that does not exist', 'run: npm test', 'rum: npm test', "'rum'"],
    ['an action without its version', 'actions/checkout@v6', 'actions/checkout', 'Expected format'],
    ['a broken expression', 'matrix.node }}', 'matrix.node( }}', 'Unexpected symbol'],
    ['a value that no context has', 'matrix.node', 'matrix.nod', 'nod'],
    ['an unknown event', 'pull_request:', 'pul_request:', "'pul_request'"],
  ])('finds %s', async (_, right, wrong, word) => {
    const text = read('test.yml')
    expect(text).toContain(right)
    expect((await faults(text.replace(right, wrong))).join('\n')).toContain(word)
  })

  test('finds the scripts of a workflow', () => {
    expect(scriptsIn('run: npm ci\nrun: npm test\nrun: npm run a:b -- c')).toEqual(['test', 'a:b'])
  })
})
