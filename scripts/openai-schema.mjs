// `node scripts/openai-schema.mjs`: writes test/support/wire/openai.schema.json from the type
// declarations of the pinned openai package. The tests hold what this server sends against it, and
// one of them compares the file with what would be written now.

import fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { inRoot } from './support/root.mjs'
import { wireSchema } from './wire/schema.mjs'

const target = inRoot('test/support/wire/openai.schema.json')

/** The file's text. */
export function openAiSchema() {
  return wireSchema('test/support/wire/openai-types.ts', 'OpenAiTypes')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  fs.writeFileSync(target, openAiSchema())
  console.log(`wrote ${target}`)
}
