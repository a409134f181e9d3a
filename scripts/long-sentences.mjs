// `node scripts/long-sentences.mjs [FILE...]`: sentences of more than 25 words, and how many there
// are on each page. Without files: README.md and all of docs/.

import fs from 'node:fs'
import { inRoot } from './support/root.mjs'
import { longSentences, wordsMax } from './support/sentences.mjs'

const named = process.argv.slice(2)
const docs = fs.readdirSync(inRoot('docs')).filter((name) => name.endsWith('.md'))
const files = named.length > 0 ? named : ['README.md', ...docs.map((name) => `docs/${name}`).sort()]

for (const file of files) {
  const found = longSentences(fs.readFileSync(named.length > 0 ? file : inRoot(file), 'utf8'))
  console.log(`${file}: ${found.length} of more than ${wordsMax} words`)
  if (named.length === 0) continue
  for (const { words, sentence } of found) console.log(`  ${words}: ${sentence}`)
}
