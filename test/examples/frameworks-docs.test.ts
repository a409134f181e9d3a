import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

// docs/frameworks.md shows lines of the examples, which are run.

const page = readFileSync('docs/frameworks.md', 'utf8')

interface Block {
  readonly example: string
  readonly lines: string[]
}

/** Each block, with the example that was last named before it: the first one is of them all. */
const blocks: Block[] = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(
  ({ 1: code = '', index }) => {
    const named = [...page.slice(0, index).matchAll(/\.\.\/examples\/([\w-]+\.mjs)/g)]
    const lines = code.split('\n').filter((line) => line !== '')
    return { example: named.at(-1)?.[1] ?? 'express.mjs', lines }
  },
)

test('there are such blocks of six examples', () => {
  expect(new Set(blocks.map(({ example }) => example)).size).toBe(6)
})

test.each(blocks)('a block of docs/frameworks.md is of $example as it stands', (block) => {
  const { example, lines } = block
  const code = readFileSync(`examples/${example}`, 'utf8').split('\n')
  let at = -1
  for (const line of lines) {
    at = code.indexOf(line, at + 1)
    expect([line, at]).not.toEqual([line, -1])
  }
})
