// `node scripts/wire/anthropic-schema.mjs`: writes
// test/support/wire/anthropic/anthropic.schema.json from the type declarations of the pinned
// package @anthropic-ai/sdk. The tests hold what this server sends against it, and one of them
// compares the file with what would be written now.

import fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { inRoot } from '../support/root.mjs'
import { wireSchema } from './schema.mjs'

const target = inRoot('test/support/wire/anthropic/anthropic.schema.json')

/** The file's text. */
export function anthropicSchema() {
  return wireSchema('test/support/wire/anthropic/anthropic-types.ts', 'AnthropicTypes')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  fs.writeFileSync(target, anthropicSchema())
  console.log(`wrote ${target}`)
}
