import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

// What nobody uses is deleted: what is exported is used in another file, and what a header in
// native/ declares is used beside its definition. By names alone, so it finds less than there is,
// and nothing that is not so.

function textsOf(folder: string, ending: RegExp): Map<string, string> {
  const names = readdirSync(folder, { recursive: true }) as string[]
  const isOurs = (name: string) => ending.test(name) && !/^hosts[\\/]/.test(name) // users' programs
  const files = names.filter(isOurs).map((name) => path.join(folder, name))
  return new Map(files.map((file) => [file, readFileSync(file, 'utf8')]))
}

/** Types that only the declarations of other files name, which the compiler writes. */
const inferred = [
  'src/apis/anthropic/messages/tools.ts: Chosen',
  'src/apis/openai/envelope.ts: CompletionUsage',
  'src/apis/openai/responses/tools.ts: ResponseToolChoice',
  'src/apis/openai/responses/tools.ts: ResponseTools',
]

const wordsOf = (text: string) => text.match(/[A-Za-z_]\w*/g) ?? []

test('each value and each type that a file exports is used in another one', () => {
  const sources = textsOf('src', /\.ts$/)
  const readers = new Map(
    ['src', 'test', 'bench', 'scripts'].flatMap((folder) => [...textsOf(folder, /\.m?[tj]s$/)]),
  )
  readers.delete('test/unused.test.ts') // which names what is inferred
  const words = new Map([...readers].map(([file, text]) => [file, new Set(wordsOf(text))]))
  const unused: string[] = []
  for (const [file, text] of sources) {
    for (const [, name = ''] of text.matchAll(
      /^export (?:async )?(?:const|function\*?|class|interface|type) (\w+)/gm,
    )) {
      const isUsed = [...words].some(([other, set]) => other !== file && set.has(name))
      if (!isUsed) unused.push(`${file}: ${name}`)
    }
  }
  expect(sources.size).toBeGreaterThan(50)
  expect(unused.sort()).toEqual(inferred)
})

test('each function that a native header declares is used', () => {
  const sources = textsOf('native', /\.(h|cpp)$/)
  const counts = new Map<string, number>()
  const code = [...sources].map(([file, text]) => [file, text.replace(/\/\/.*/g, '')] as const)
  for (const [, text] of code) {
    for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const all = code.map(([, text]) => text).join('\n')
  const unused: string[] = []
  const declaration = /\b([a-z_]\w*)\([^;{}]*\)\s*(?:const\s*)?(?:override\s*)?[;{]/g
  const isOwnHeader = (file: string) => file.endsWith('.h') && !file.includes('/test/')
  for (const [file, text] of code.filter(([file]) => isOwnHeader(file))) {
    for (const [, name = ''] of text.matchAll(declaration)) {
      const isDefinedApart = all.includes(`::${name}(`)
      if ((counts.get(name) ?? 0) <= (isDefinedApart ? 2 : 1)) unused.push(`${file}: ${name}`)
    }
  }
  expect(code.length).toBeGreaterThan(150)
  expect(unused.filter((entry) => !/: (wait_for|wait_until|pop_front)$/.test(entry))).toEqual([])
})
