// Puts the line numbers of ARCHITECTURE.md right: [`file:12`](file#L12) `what stands there`.
// Part of `npm run format`. A place whose words are in no line of its file is left as it is, and
// test/architecture.test.ts names it. Of several lines the nearest to the old one is taken.

import fs from 'node:fs'
import { inRoot } from './support/root.mjs'

const page = inRoot('ARCHITECTURE.md')
const place = /\[`([^`:]+):(\d+)`\]\([^)]+\) `([^`]+)`/g

const before = fs.readFileSync(page, 'utf8')
const after = before.replace(place, (whole, file, line, words) => {
  const found = nearest(file, Number(line), words)
  return found === undefined ? whole : `[\`${file}:${found}\`](${file}#L${found}) \`${words}\``
})
if (after !== before) fs.writeFileSync(page, after)

/**
 * @param {string} file
 * @param {number} line
 * @param {string} words
 * @returns {number | undefined} the line that holds the words, of several the nearest
 */
function nearest(file, line, words) {
  if (!fs.existsSync(inRoot(file))) return undefined
  const lines = fs.readFileSync(inRoot(file), 'utf8').split('\n')
  const holding = lines.flatMap((text, i) => (whole(words).test(text) ? [i + 1] : []))
  return holding.sort((a, b) => Math.abs(a - line) - Math.abs(b - line))[0]
}

/**
 * The words themselves, and not the beginning or the end of a longer name; as
 * test/architecture.test.ts demands it.
 * @param {string} words
 */
function whole(words) {
  const plain = words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<!\\w)${plain}${/\w$/.test(words) ? '(?!\\w)' : ''}`)
}
