import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { longSentences } from '../../scripts/support/sentences.mjs'
import { firstPages } from '../support/docs/blocks.js'

test.each(firstPages)('no sentence of %s has more than 25 words', (page) => {
  expect(longSentences(readFileSync(page, 'utf8'))).toEqual([])
})

describe('a sentence is counted', () => {
  const words = (count: number) => Array.from({ length: count }, () => 'word').join(' ')

  test.each([
    ['over several lines', `${words(20)}\n${words(6)}.`],
    ['in a list', `- a\n- ${words(26)}`],
    ['in a cell of a table', `| a | ${words(26)} |`],
    ['with links as their words', `[${words(25)}](a.md) word.`],
    ['with code as one word', `${words(25)} \`a b. C\`.`],
  ])('%s', (_, text) => {
    expect(longSentences(text)).toHaveLength(1)
  })

  test.each([
    ['two sentences', `${words(20)}. Word ${words(20)}.`],
    ['two items', `- ${words(20)}\n- ${words(20)}`],
    ['two cells', `| ${words(20)} | ${words(20)} |`],
    ['code', `\`\`\`js\n${words(40)}\n\`\`\``],
    ['exactly 25 words', words(25)],
  ])('not where there are %s', (_, text) => {
    expect(longSentences(text)).toEqual([])
  })
})
